//! Rust source with comments and literals blanked out, so that what remains is code.

/// The source with every comment, string and character literal replaced by spaces.
///
/// Lines and columns stay, because line breaks and the number of characters do.
pub(super) fn code(source: &str) -> String {
    let mut mask = Mask { rest: source.chars().collect(), place: 0, code: String::new() };
    while let Some(next) = mask.peek(0) {
        mask.step(next);
    }
    mask.code
}

struct Mask {
    rest: Vec<char>,
    place: usize,
    code: String,
}

impl Mask {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.get(self.place + ahead).copied()
    }

    fn previous_is_word(&self) -> bool {
        self.code.chars().next_back().is_some_and(|last| last.is_alphanumeric() || last == '_')
    }

    /// Takes one character as code.
    fn keep(&mut self) {
        self.code.extend(self.peek(0));
        self.place += 1;
    }

    /// Takes some characters as no code.
    fn blank(&mut self, count: usize) {
        for _ in 0..count {
            if let Some(next) = self.peek(0) {
                self.code.push(if next == '\n' { '\n' } else { ' ' });
                self.place += 1;
            }
        }
    }

    fn step(&mut self, next: char) {
        match (next, self.peek(1)) {
            ('/', Some('/')) => self.blank_until(|mask| mask.peek(0) == Some('\n'), 0),
            ('/', Some('*')) => self.block_comment(),
            ('"', _) => self.string(),
            ('r', Some('"' | '#')) if !self.previous_is_word() => self.raw_string(1),
            ('b' | 'c', Some('r')) if !self.previous_is_word() => self.raw_string(2),
            ('\'', _) => self.character_or_lifetime(),
            _ => self.keep(),
        }
    }

    /// Blanks until `done`, and then `behind` more characters.
    fn blank_until(&mut self, done: impl Fn(&Mask) -> bool, behind: usize) {
        while self.peek(0).is_some() && !done(self) {
            self.blank(1);
        }
        self.blank(behind);
    }

    /// Block comments nest.
    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => {
                    depth += 1;
                    self.blank(2);
                }
                (Some('*'), Some('/')) => {
                    depth -= 1;
                    self.blank(2);
                    if depth == 0 {
                        return;
                    }
                }
                (Some(_), _) => self.blank(1),
                (None, _) => return,
            }
        }
    }

    fn string(&mut self) {
        self.blank(1);
        while let Some(next) = self.peek(0) {
            match next {
                '\\' => self.blank(2),
                '"' => return self.blank(1),
                _ => self.blank(1),
            }
        }
    }

    /// A raw string whose hash signs begin `prefix` characters ahead; a raw identifier is code.
    fn raw_string(&mut self, prefix: usize) {
        let hashes = (0..).take_while(|ahead| self.peek(prefix + ahead) == Some('#')).count();
        if self.peek(prefix + hashes) != Some('"') {
            return self.keep();
        }
        self.blank(prefix + hashes + 1);
        let closes = |mask: &Mask| {
            mask.peek(0) == Some('"') && (1..=hashes).all(|ahead| mask.peek(ahead) == Some('#'))
        };
        self.blank_until(closes, 1 + hashes);
    }

    fn character_or_lifetime(&mut self) {
        match (self.peek(1), self.peek(2)) {
            (Some('\\'), _) => {
                self.blank(3);
                self.blank_until(|mask| mask.peek(0) == Some('\''), 1);
            }
            (Some(_), Some('\'')) => self.blank(3),
            _ => self.keep(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_become_spaces_of_the_same_shape() {
        // A dot stands for a space that replaces something.
        let cases = [
            ("a // b { \nc", "a .......\nc"),
            ("a /* { /* } */ \n } */ b", "a .............\n..... b"),
            ("let s = \"{\\\"}\"; x", "let s = ......; x"),
            ("r#\"{ \" \"# y", "......... y"),
            ("br\"{\" y", "..... y"),
            ("b\"{\" y", "b... y"),
            ("('{', '\\'', '\\u{7d}', 'a)", "(..., ...., ........, 'a)"),
            ("fn f<'a>(x: &'a str) {", "fn f<'a>(x: &'a str) {"),
            ("r#type + barb", "r#type + barb"),
        ];
        for (source, expected) in cases {
            assert_eq!(code(source), expected.replace('.', " "), "{source}");
        }
    }

    #[test]
    fn unfinished_literals_end_with_the_file() {
        for source in ["\"abc", "/* abc", "r#\"abc", "'\\", "'", "\"\\"] {
            assert_eq!(code(source).chars().count(), source.chars().count(), "{source}");
        }
    }
}
