//! Functions and how long they are.

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    /// The line of the word `fn`, counted from 1.
    pub(super) line: usize,
    /// Lines between the braces of its body, empty lines and comments included.
    pub(super) body_lines: usize,
}

/// All functions of a file, in order, from its code without comments and literals.
pub(super) fn functions(code: &str) -> Vec<Function> {
    let words = code.match_indices("fn ").filter(|(place, _)| begins_word(code, *place));
    words.filter_map(|(place, _)| function(code, place)).collect()
}

fn begins_word(code: &str, place: usize) -> bool {
    let before = code.get(..place).and_then(|before| before.chars().next_back());
    before.is_none_or(|before| !before.is_alphanumeric() && before != '_')
}

fn function(code: &str, place: usize) -> Option<Function> {
    let rest = code.get(place..)?;
    let name = rest.get("fn ".len()..)?.trim_start();
    let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if name.is_empty() {
        return None;
    }
    let open = body_start(rest)?;
    let body = rest.get(open..)?;
    let body = body.get(..block_end(body)?)?;
    let line = code.get(..place)?.matches('\n').count() + 1;
    Some(Function { name, line, body_lines: body.matches('\n').count().saturating_sub(1) })
}

/// Where the body's brace is; none for a declaration without a body.
fn body_start(code: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (place, character) in code.char_indices() {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.checked_sub(1)?,
            '{' if depth == 0 => return Some(place),
            ';' | '}' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Where the block that begins `code` ends: the place of its closing brace.
pub(super) fn block_end(code: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (place, character) in code.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(place);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str) -> Vec<(String, usize, usize)> {
        let functions = functions(code).into_iter();
        functions.map(|found| (found.name, found.line, found.body_lines)).collect()
    }

    #[test]
    fn bodies_are_counted_between_their_braces() {
        assert_eq!(found("fn a() {}\n"), [("a".to_owned(), 1, 0)]);
        assert_eq!(found("fn a() {\n}\n"), [("a".to_owned(), 1, 0)]);
        assert_eq!(
            found("\nfn a(\n  b: [u8; { 3 }],\n) {\n  1;\n\n  2\n}\n"),
            [("a".to_owned(), 2, 3)]
        );
    }

    #[test]
    fn nested_functions_count_for_themselves_and_for_their_parent() {
        let code = "fn outer() {\n    fn inner() {\n        1;\n    }\n}\n";
        assert_eq!(found(code), [("outer".to_owned(), 1, 3), ("inner".to_owned(), 2, 1)]);
    }

    #[test]
    fn declarations_pointers_and_other_words_are_no_functions() {
        assert_eq!(found("trait T { fn a(&self) -> u8; }\ntype F = fn (u8);\nlet defn = 1;\n"), []);
    }
}
