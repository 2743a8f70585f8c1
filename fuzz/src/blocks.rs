//! PEM: what is between the marks, and nothing else.
//!
//! Input: a text.

use crate::pem;

/// More blocks than any reader takes.
const BLOCKS_MAX: usize = 6;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some(blocks) = pem::blocks(text, BLOCKS_MAX) else { return };
    assert!((1..=BLOCKS_MAX).contains(&blocks.len()));
    assert!(pem::blocks(text, blocks.len() - 1).is_none(), "more blocks than asked for");
    assert_eq!(pem::block(text).is_some(), blocks.len() == 1);
    // INVARIANT: what was read can be written, and is read the same.
    let written: String =
        blocks.iter().map(|block| pem::written(block.label, &block.bytes) + "\n").collect();
    let again = pem::blocks(&written, BLOCKS_MAX).expect("what was written is read");
    let same = |(one, other): (&pem::Block<'_>, &pem::Block<'_>)| {
        one.label == other.label && one.bytes == other.bytes
    };
    assert!(blocks.len() == again.len() && blocks.iter().zip(&again).all(same), "{written}");
    // INVARIANT: nothing stands beside the blocks.
    assert!(pem::blocks(&format!("{text}x"), BLOCKS_MAX).is_none());
    assert!(pem::blocks(&format!("x{text}"), BLOCKS_MAX).is_none());
}
