declare module 'pg-cursor' {
  import type { Submittable } from 'pg';

  class Cursor implements Submittable {
    constructor(text: string, values?: readonly unknown[]);
    submit(): void;
    read(rows: number): Promise<unknown[]>;
    close(): Promise<void>;
  }

  export = Cursor;
}
