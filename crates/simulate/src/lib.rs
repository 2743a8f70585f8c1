//! Development only: a plain second policy evaluator, written from the documentation alone, slow
//! and obvious, and random cases on which it is compared with the compiled one.
//!
//! [`compare::run`] does the comparing: in every test run a little, with the example `compare` as
//! much as one likes.

#![allow(
    clippy::indexing_slicing,
    reason = "never shipped; an index out of range is a failed comparison"
)]

pub mod case;
pub mod compare;
pub mod generate;
pub mod plain;
pub mod random;
pub mod shrink;
