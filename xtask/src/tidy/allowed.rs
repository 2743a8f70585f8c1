//! The list of exceptions, which only shrinks.
//!
//! One exception a line: a path and the name of a function, or `*` for the length of the file.
//! What no longer needs its exception must be taken off the list.

/// The exceptions, and which of them were needed.
pub(super) struct Allowed {
    entries: Vec<Entry>,
    list: String,
}

struct Entry {
    line: usize,
    path: String,
    name: String,
    needed: bool,
}

impl Allowed {
    /// Stands for the length of the whole file.
    pub(super) const WHOLE_FILE: &str = "*";

    /// Reads the list; lines that begin with `#` are comments.
    ///
    /// # Errors
    /// A message that names the line that is not `path name`.
    pub(super) fn parse(list: &str, text: &str) -> Result<Allowed, String> {
        let mut entries = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line_number = number + 1;
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace().map(str::to_owned);
            match (words.next(), words.next(), words.next()) {
                (Some(path), Some(name), None) => {
                    entries.push(Entry { line: line_number, path, name, needed: false });
                }
                _ => return Err(format!("{list}:{line_number}: expected `path function`")),
            }
        }
        Ok(Allowed { entries, list: list.to_owned() })
    }

    /// Whether there is such an exception; notes that it was needed.
    pub(super) fn permits(&mut self, path: &str, name: &str) -> bool {
        let mut found = false;
        for entry in &mut self.entries {
            if entry.path == path && entry.name == name {
                entry.needed = true;
                found = true;
            }
        }
        found
    }

    /// Exceptions that nothing needed.
    pub(super) fn unneeded(&self) -> Vec<String> {
        let unneeded = self.entries.iter().filter(|entry| !entry.needed);
        unneeded
            .map(|entry| {
                format!(
                    "{}:{}: `{} {}` needs no exception any more: delete this line",
                    self.list, entry.line, entry.path, entry.name
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_that_nothing_needs_is_a_finding() {
        let mut allowed = Allowed::parse("list", "# why\n\na.rs long\nb.rs *\n").unwrap();
        assert!(allowed.permits("a.rs", "long"));
        assert!(!allowed.permits("a.rs", "other") && !allowed.permits("c.rs", "long"));
        let unneeded = allowed.unneeded();
        assert_eq!(unneeded, ["list:4: `b.rs *` needs no exception any more: delete this line"]);
        assert!(allowed.permits("b.rs", Allowed::WHOLE_FILE));
        assert_eq!(allowed.unneeded(), Vec::<String>::new());
    }

    #[test]
    fn a_line_of_another_form_is_refused() {
        for text in ["a.rs\n", "a.rs long because\n"] {
            assert!(Allowed::parse("list", text).is_err(), "{text}");
        }
    }
}
