//! Policy documents: read, validated, judged and laid out.

use iamd_policy::{DOCUMENT_CHARACTERS_MAX, Document, Grammar, format, lint, validate};

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let document = Document::parse(text);
    let formatted = format(text);
    assert_eq!(document.is_ok(), formatted.is_ok(), "parser and formatter differ");
    // Judging takes long and differs little between the grammars: any one will do.
    for finding in lint(text, Grammar::ALL[text.len() % Grammar::ALL.len()]) {
        assert!(finding.line >= 1 && finding.column >= 1, "a finding stands nowhere");
    }
    let formatted = formatted.unwrap_or_default();
    if formatted.chars().count() <= DOCUMENT_CHARACTERS_MAX && document.is_ok() {
        assert_eq!(format(&formatted).as_ref(), Ok(&formatted), "the layout is not stable");
    }
    for grammar in Grammar::ALL {
        let valid = validate(text, grammar);
        assert!(valid.is_err() || document.is_ok(), "a text that cannot be read is valid");
        if valid.is_ok() && formatted.chars().count() <= DOCUMENT_CHARACTERS_MAX {
            // The layout of a document has no part in what it means.
            let after = validate(&formatted, grammar);
            assert!(after.is_ok(), "the layout changed the document: {after:?}");
        }
    }
}
