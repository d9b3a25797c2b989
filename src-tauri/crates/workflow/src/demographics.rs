//! Names, dates and ages as a reader sees them, from what DICOM writes.

use time::{Date, Month};

/// "FAMILY, Given" of a DICOM person name, other writings (ideographic, phonetic)
/// behind it in parentheses. Components are family, given, middle, prefix and
/// suffix, separated by `^`; component groups by `=` (PS3.5 6.2, VR PN).
pub fn display_name(person_name: &str) -> String {
    let groups: Vec<String> = person_name.split('=').map(one_group).filter(|g| !g.is_empty()).collect();
    match groups.split_first() {
        None => String::new(),
        Some((first, [])) => first.clone(),
        Some((first, others)) => format!("{first} ({})", others.join(", ")),
    }
}

fn one_group(group: &str) -> String {
    let mut parts = group.split('^').map(str::trim);
    let mut next = || parts.next().unwrap_or("");
    let (family, given, middle, prefix, suffix) = (next(), next(), next(), next(), next());
    let given = [prefix, given, middle].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ");
    let mut out = match (family.is_empty(), given.is_empty()) {
        (false, false) => format!("{family}, {given}"),
        (false, true) => family.to_owned(),
        (true, _) => given,
    };
    if !suffix.is_empty() {
        out.push_str(", ");
        out.push_str(suffix);
    }
    out
}

/// A DICOM date (YYYYMMDD, or the retired YYYY.MM.DD) as an ISO date; empty when it is none.
pub fn display_date(date: &str) -> String {
    parse_date(date).map(|d| format!("{:04}-{:02}-{:02}", d.year(), u8::from(d.month()), d.day())).unwrap_or_default()
}

/// A DICOM time (HHMMSS.FFFFFF) as HH:MM; empty when it is none.
pub fn display_time(time: &str) -> String {
    let digits: String = time.chars().filter(|c| *c != ':').take_while(char::is_ascii_digit).collect();
    if digits.len() < 4 {
        return String::new();
    }
    match (digits[..2].parse::<u8>(), digits[2..4].parse::<u8>()) {
        (Ok(h), Ok(m)) if h < 24 && m < 60 => format!("{h:02}:{m:02}"),
        _ => String::new(),
    }
}

/// Age at the study: Patient's Age where the file has it, else from the two dates.
/// "58 Y", "7 mo", "3 wk" or "12 d"; empty when unknown. Months are no letter: an M beside a number is read as a man's.
pub fn age(patient_age: Option<&str>, birth_date: Option<&str>, study_date: Option<&str>) -> String {
    if let Some(age) = patient_age.map(str::trim) {
        let (number, unit) = age.split_at(age.len() - age.chars().last().map_or(0, char::len_utf8));
        let unit = match unit {
            "Y" => "Y",
            "M" => "mo",
            "W" => "wk",
            "D" => "d",
            _ => "",
        };
        if let (Ok(number), false) = (number.parse::<u32>(), unit.is_empty()) {
            return format!("{number} {unit}");
        }
    }
    let (Some(birth), Some(study)) = (birth_date.and_then(parse_date), study_date.and_then(parse_date)) else {
        return String::new();
    };
    if study < birth {
        return String::new();
    }
    let days = (study - birth).whole_days();
    let before_birthday = (study.month(), study.day()) < (birth.month(), birth.day());
    let years = study.year() - birth.year() - i32::from(before_birthday);
    match (years, days) {
        (2.., _) => format!("{years} Y"),
        (_, 90..) => format!("{} mo", days * 12 / 365),
        (_, 28..) => format!("{} wk", days / 7),
        _ => format!("{days} d"),
    }
}

fn parse_date(date: &str) -> Option<Date> {
    let digits: String = date.chars().filter(|c| *c != '.' && *c != '-').collect();
    if digits.len() != 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let month = Month::try_from(digits[4..6].parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(digits[..4].parse().ok()?, month, digits[6..].parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |pn: &str, expected: &str| assert_eq!(display_name(pn), expected, "{pn}");
        check("", "");
        check("SAMPLE^Patient", "SAMPLE, Patient");
        check("Doe", "Doe");
        check("^Jane", "Jane");
        check("Adams^John Robert Quincy^^Rev.^B.A. M.Div.", "Adams, Rev. John Robert Quincy, B.A. M.Div.");
        check("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田, 太郎, やまだ, たろう)");
        check("=山田^太郎", "山田, 太郎");
    }

    #[test]
    fn dates_and_times() {
        let check = |d: &str, expected: &str| assert_eq!(display_date(d), expected, "{d}");
        check("20261123", "2026-11-23");
        check("2026.11.23", "2026-11-23");
        check("20261323", "");
        check("", "");
        check("２０２６１１２３", "");
        assert_eq!(display_time("140259.123"), "14:02");
        assert_eq!(display_time("1402"), "14:02");
        assert_eq!(display_time("9"), "");
        assert_eq!(display_time("2562"), "");
    }

    #[test]
    fn ages() {
        let check = |a: Option<&str>, b: Option<&str>, s: Option<&str>, expected: &str| {
            assert_eq!(age(a, b, s), expected, "{a:?} {b:?} {s:?}");
        };
        check(Some("058Y"), None, None, "58 Y");
        check(Some("003W"), Some("19500101"), Some("20200101"), "3 wk");
        check(Some("008M"), None, None, "8 mo");
        check(Some("012D"), None, None, "12 d");
        check(Some("012Z"), None, None, "");
        check(Some("old"), Some("19680302"), Some("20261123"), "58 Y");
        check(None, Some("19681124"), Some("20261123"), "57 Y");
        check(None, Some("20261101"), Some("20261123"), "22 d");
        check(None, Some("20260101"), Some("20261123"), "10 mo");
        check(None, Some("20270101"), Some("20261123"), "");
        check(Some(""), None, Some("20261123"), "");
        check(Some("é"), None, None, "");
    }
}
