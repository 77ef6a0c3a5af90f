const DAY_MS = 86_400_000;

/**
 * A moment as `20260131T235959Z`, the basic form of ISO 8601 in UTC, in whole seconds.
 *
 * By arithmetic, because only the core may name the host's time: days since the epoch to the civil date of the
 * Gregorian calendar (H. Hinnant, https://howardhinnant.github.io/date_algorithms.html#civil_from_days), for 1970 and later.
 */
export function utcStamp(wallMs: number): string {
  // Eras of 400 years from the 1st of March of the year 0, so that a leap day is the last of its year.
  const days = Math.floor(wallMs / DAY_MS) + 719_468;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);

  const seconds = Math.floor((wallMs % DAY_MS) / 1_000);
  const two = (count: number) => String(count).padStart(2, '0');
  const date = `${year}${two(month)}${two(day)}`;
  return `${date}T${two(Math.floor(seconds / 3_600))}${two(Math.floor(seconds / 60) % 60)}${two(seconds % 60)}Z`;
}
