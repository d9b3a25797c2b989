/**
 * What outlives the page, which goes with the lock: until Hilum ends, in the memory of the page's engine and on no disk.
 * Nothing of a patient and nothing secret belongs here.
 */
export function keep(key: string, value: unknown): void {
  try {
    globalThis.sessionStorage?.setItem(key, JSON.stringify(value));
  } catch {
    // The page that comes begins without it.
  }
}

/** What was kept last under this key; null where nothing was, or nothing can be. */
export function kept<T>(key: string): T | null {
  try {
    return JSON.parse(globalThis.sessionStorage?.getItem(key) ?? "null") as T | null;
  } catch {
    return null;
  }
}
