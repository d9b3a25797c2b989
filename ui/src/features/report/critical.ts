/** Date and time of a `datetime-local` field, to the minute, in the clock of this machine. */
export function localMinute(at: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** Seconds since 1970 of what stands in such a field; null while it is no time. */
export function secondsOf(field: string): number | null {
  const ms = new Date(field).getTime();
  return field === "" || Number.isNaN(ms) ? null : Math.floor(ms / 1000);
}
