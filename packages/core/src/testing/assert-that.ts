import { AssertionError } from 'node:assert';

/** @throws AssertionError with `message`, which must not show a value, when `condition` does not hold */
export function assertThat(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError({ message, stackStartFn: assertThat });
}
