//! Text in PEM, read strictly. Source: RFC 7468.
//!
//! Nothing but white space may stand before, between and behind the blocks, so that what is stored is
//! what was checked.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The bytes between two marks; they may be a private key.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    /// What the marks call it, such as `CERTIFICATE`.
    pub(crate) label: &'a str,
    /// The bytes.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

/// The blocks of a text; none when it is anything else than one to `most` blocks.
pub(crate) fn blocks(text: &str, most: usize) -> Option<Vec<Block<'_>>> {
    let mut blocks = Vec::new();
    let mut rest = text.trim_ascii();
    while !rest.is_empty() {
        if blocks.len() == most {
            return None;
        }
        let (label, behind) = rest.strip_prefix("-----BEGIN ")?.split_once("-----")?;
        let (body, behind) = behind.split_once("-----END ")?;
        let behind = behind.strip_prefix(label)?.strip_prefix("-----")?;
        let body: Zeroizing<Vec<u8>> =
            Zeroizing::new(body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect());
        blocks.push(Block { label, bytes: Zeroizing::new(STANDARD.decode(&*body).ok()?) });
        rest = behind.trim_ascii_start();
    }
    (!blocks.is_empty()).then_some(blocks)
}

/// The one block of a text.
pub(crate) fn block(text: &str) -> Option<Block<'_>> {
    blocks(text, 1)?.pop()
}

/// A text of one block.
pub(crate) fn written(label: &str, bytes: &[u8]) -> String {
    let body = STANDARD.encode(bytes);
    let mut text = format!("-----BEGIN {label}-----\n");
    for (place, character) in body.chars().enumerate() {
        if place > 0 && place % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str(&format!("\n-----END {label}-----"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_blocks_is_read() {
        let one = written("THING", &[7; 100]);
        assert_eq!(
            (&*block(&one).unwrap().bytes, block(&one).unwrap().label),
            (&vec![7; 100], "THING")
        );
        assert_eq!(block(&format!("\n {one}\r\n")).unwrap().label, "THING");
        assert_eq!(blocks(&format!("{one}\n{one}{one}"), 3).unwrap().len(), 3);
        assert!(blocks(&format!("{one}\n{one}"), 1).is_none());
        for wrong in [
            "",
            " \n",
            "-----BEGIN THING-----",
            "-----BEGIN THING-----\nAA==\n-----END OTHER-----",
            "-----BEGIN THING-----\nA\n-----END THING-----",
            "-----BEGIN THING-----\nA!==\n-----END THING-----",
            "-----BEGIN THING-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END THING-----",
            &format!("{one}x"),
            &format!("x{one}"),
            &format!("{one}x{one}"),
        ] {
            assert!(blocks(wrong, 3).is_none(), "{wrong}");
        }
    }
}
