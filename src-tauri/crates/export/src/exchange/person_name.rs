//! DICOM person names taken apart, for systems that write them otherwise.

/// The five components of one group of a DICOM person name (PS3.5, 6.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PersonName {
    pub family: String,
    pub given: String,
    pub middle: String,
    pub prefix: String,
    pub suffix: String,
}

impl PersonName {
    /// The groups that say something, in their order: alphabetic, ideographic, phonetic. The number
    /// is the group's place, from 0.
    pub fn groups(name: &str) -> Vec<(usize, PersonName)> {
        let groups = name.split('=').enumerate().map(|(place, group)| (place, PersonName::of(group)));
        groups.filter(|(_, name)| *name != PersonName::default()).collect()
    }

    fn of(group: &str) -> PersonName {
        let mut parts = group.split('^').map(|p| p.trim().to_owned());
        let mut next = || parts.next().unwrap_or_default();
        let (family, given, middle, prefix, suffix) = (next(), next(), next(), next(), next());
        PersonName { family, given, middle, prefix, suffix }
    }

    /// In the order of speech: "Rev. John Robert Adams B.A.".
    pub fn spoken(&self) -> String {
        let parts = [&self.prefix, &self.given, &self.middle, &self.family, &self.suffix];
        parts.into_iter().filter(|p| !p.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_all_their_groups() {
        let check = |name: &str, expected: &[(usize, &str)]| {
            let found: Vec<(usize, String)> =
                PersonName::groups(name).into_iter().map(|(place, n)| (place, n.spoken())).collect();
            let expected: Vec<(usize, String)> = expected.iter().map(|(p, s)| (*p, (*s).to_owned())).collect();
            assert_eq!(found, expected, "{name}");
        };
        check("", &[]);
        check("Doe", &[(0, "Doe")]);
        check("Adams^John Robert Quincy^^Rev.^B.A. M.Div.", &[(0, "Rev. John Robert Quincy Adams B.A. M.Div.")]);
        check("Yamada^Tarou=山田^太郎=やまだ^たろう", &[(0, "Tarou Yamada"), (1, "太郎 山田"), (2, "たろう やまだ")]);
        check("=山田^太郎", &[(1, "太郎 山田")]);
        check("^^^^", &[]);
    }
}
