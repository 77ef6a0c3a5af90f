const DAY_MS = 86_400_000;

interface CivilTime {
  readonly date: string;
  readonly time: string;
  readonly milliseconds: number;
}

/**
 * A moment as Vault prints it: UTC, RFC 3339, trailing zeros of the fraction left out (`2026-11-24T08:45:57.44Z`).
 *
 * The store lives on an injected clock, so it formats milliseconds itself and never asks the host for the date.
 */
export function rfc3339(wallMs: number): string {
  const { date, time, milliseconds } = civilTime(wallMs);
  const fraction = milliseconds === 0 ? '' : `.${pad(milliseconds, 3)}`.replace(/0+$/, '');
  return `${date}T${time}${fraction}Z`;
}

/** A moment as the database engine hands it to SQL in `{{expiration}}`: `2026-11-24 08:45:57+0000`. */
export function sqlTimestamp(wallMs: number): string {
  const { date, time } = civilTime(wallMs);
  return `${date} ${time}+0000`;
}

/** Proleptic Gregorian date from days since 1970 (Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
function civilTime(wallMs: number): CivilTime {
  const whole = Math.floor(wallMs);
  const days = Math.floor(whole / DAY_MS);
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);

  const ofDay = whole - days * DAY_MS;
  const clockTime = [ofDay / 3_600_000, (ofDay / 60_000) % 60, (ofDay / 1_000) % 60];
  return {
    date: `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`,
    time: clockTime.map((part) => pad(Math.floor(part), 2)).join(':'),
    milliseconds: ofDay % 1_000,
  };
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
