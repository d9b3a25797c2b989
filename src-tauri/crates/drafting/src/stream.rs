//! The model's thinking is taken out of the stream while it runs.

/// Begins a block that is not report text (MedGemma 1.5 model card).
pub const THINKING_OPEN: &str = "<unused94>";
/// Ends that block.
pub const THINKING_CLOSE: &str = "<unused95>";

/// Lets through what is report text.
#[derive(Debug, Default)]
pub(crate) struct ReportText {
    thinking: bool,
    begun: bool,
}

impl ReportText {
    /// What a person may see of one step. `token` is the newest token's own text, markers
    /// included; `piece` is the text that became complete with it. White space before the
    /// first word is dropped, as before and after a block.
    pub(crate) fn pass<'a>(&mut self, token: &str, piece: &'a str) -> &'a str {
        match token {
            THINKING_OPEN => self.thinking = true,
            THINKING_CLOSE => self.thinking = false,
            _ if !self.thinking => {
                let piece = if self.begun { piece } else { piece.trim_start() };
                self.begun |= !piece.is_empty();
                return piece;
            }
            _ => {}
        }
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(steps: &[&str], expected: &str) {
        let mut report = ReportText::default();
        let text: String = steps.iter().map(|step| report.pass(step, step)).collect();
        assert_eq!(text, expected, "{steps:?}");
    }

    #[test]
    fn blocks_are_left_out() {
        check(&["The", " heart"], "The heart");
        check(&["<unused94>", "thought", "\n", "Look.", "<unused95>", "\n", "The", " heart"], "The heart");
        check(&["Clear", ".", "<unused94>", "thought", "<unused95>", " Normal."], "Clear. Normal.");
        check(&["<unused94>", "thought", " for ever"], "");
        check(&["<unused95>", "Normal"], "Normal");
        check(&["\n", " ", "Normal", "\n", "heart"], "Normal\nheart");
        check(&[], "");
    }
}
