/** "+0.21" or "−0.04", with a real minus sign. */
export function signed(value: number): string {
  const text = Math.abs(value).toFixed(2);
  if (text === "0.00") return "0.00";
  return (value > 0 ? "+" : "−") + text;
}

/** "1.4 GB", in powers of ten as disks are sold. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** "58 Y M", "8 mo M": what stands beside a name. */
export function sexAndAge(patient: { sex: string; age: string }): string {
  return [patient.age, patient.sex].filter((x) => x !== "").join(" ");
}

/** "2026-11-23 14:12" of "2026-11-23 14:12:00 +01:00", for a narrow line; its tooltip has the whole. */
export function minute(at: string): string {
  return at.slice(0, 16);
}

/** The first part of a long hash. */
export function shortHash(hash: string): string {
  return hash.length > 16 ? `${hash.slice(0, 16)}…` : hash;
}

/** "one sentence", "2 sentences". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** A probability without its sign: "62", and never one that rounding made certain: "<1" and ">99" at the ends. */
function hundredths(probability: number): string {
  const rounded = Math.round(probability * 100);
  return rounded < 1 ? "<1" : rounded > 99 ? ">99" : `${rounded}`;
}

/** "62 %", "<1 %" or ">99 %"; only for numbers that are probabilities, of which none is 0 or 1. */
export function percent(probability: number): string {
  return `${hundredths(probability)} %`;
}

/** "48–71 %": an interval of probabilities; "<1 %" or ">99 %" where all of it lies at one end. */
export function percentRange(low: number, high: number): string {
  const [from, to] = [hundredths(low), hundredths(high)];
  return from === to ? `${to} %` : `${from}–${to} %`;
}

/** "12.4 s" or "3 min 5 s". */
export function seconds(count: number): string {
  return count < 60 ? `${count.toFixed(1)} s` : `${Math.floor(count / 60)} min ${Math.round(count % 60)} s`;
}
