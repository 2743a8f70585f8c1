//! The fields before the file.

use memchr::memmem;

use super::part::PartHead;
use super::{Boundary, FIELDS_LENGTH_MAX, FileReader, Form, malformed, not_one_file, too_long};
use crate::route::S3Error;

/// What ends the head of a part.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Reads what stands before the file.
#[derive(Debug)]
pub struct FormReader {
    delimiter: Vec<u8>,
    /// The form up to here.
    bytes: Vec<u8>,
    /// Where what is being read begins.
    start: usize,
    step: Step,
    form: Form,
}

/// What is being read.
#[derive(Debug)]
enum Step {
    /// The first boundary.
    Opening,
    /// What follows a boundary: the end of its line, or the end of the form.
    BoundaryEnd,
    /// The head of a part.
    Head,
    /// The value of this field.
    Value(String),
}

/// A form whose file begins.
#[derive(Debug)]
pub struct Opened {
    /// The fields before it, with the name of the file where it was wanted.
    pub form: Form,
    /// Reads the file.
    pub file: FileReader,
    /// How many bytes of the piece do not belong to the file.
    pub taken: usize,
    /// How many bytes of the form do not.
    pub length: usize,
}

impl FormReader {
    /// A reader of a form with this boundary.
    pub fn new(boundary: &Boundary) -> FormReader {
        FormReader {
            delimiter: boundary.delimiter(),
            bytes: Vec::new(),
            start: 0,
            step: Step::Opening,
            form: Form::default(),
        }
    }

    /// Takes in the next bytes; gives the form once its file begins. Nothing may be pushed then.
    ///
    /// # Errors
    /// S3's answer to what is no form, to a field that is there twice, and to a form that ends
    /// without a file or has too much before it.
    pub fn push(&mut self, piece: &[u8]) -> Result<Option<Opened>, S3Error> {
        let before = self.bytes.len();
        let room = FIELDS_LENGTH_MAX.saturating_sub(before);
        let (fitting, beyond) = piece.split_at_checked(room).unwrap_or((piece, &[]));
        self.bytes.extend_from_slice(fitting);
        loop {
            match self.step()? {
                Stepped::On => {}
                Stepped::Short if beyond.is_empty() => return Ok(None),
                Stepped::Short => return Err(too_long()),
                Stepped::File(head) => {
                    let mut form = std::mem::take(&mut self.form);
                    form.expand(&head.file_name)?;
                    let file = FileReader::new(std::mem::take(&mut self.delimiter));
                    let taken = self.start.saturating_sub(before);
                    return Ok(Some(Opened { form, file, taken, length: self.start }));
                }
            }
        }
    }

    fn step(&mut self) -> Result<Stepped, S3Error> {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        match &mut self.step {
            Step::Opening => {
                // Before the first boundary there is no line that could end.
                let opening = self.delimiter.get(2..).unwrap_or_default();
                let common = rest.len().min(opening.len());
                if rest.get(..common) != opening.get(..common) {
                    return Err(malformed());
                }
                if common < opening.len() {
                    return Ok(Stepped::Short);
                }
                self.start += opening.len();
                self.step = Step::BoundaryEnd;
            }
            Step::BoundaryEnd => match rest {
                [b'\r', b'\n', ..] => {
                    self.start += 2;
                    self.step = Step::Head;
                }
                [b'-', b'-', ..] => return Err(not_one_file()),
                [] | [b'\r' | b'-'] => return Ok(Stepped::Short),
                _ => return Err(malformed()),
            },
            Step::Head => {
                let Some(end) = memmem::find(rest, HEAD_END) else { return Ok(Stepped::Short) };
                let head = PartHead::parse(rest.get(..end).unwrap_or_default())?;
                self.start += end + HEAD_END.len();
                if head.is_file() {
                    return Ok(Stepped::File(head));
                }
                self.step = Step::Value(head.name);
            }
            Step::Value(name) => {
                let Some(end) = memmem::find(rest, &self.delimiter) else {
                    return Ok(Stepped::Short);
                };
                let value = std::str::from_utf8(rest.get(..end).unwrap_or_default());
                let value = value.map_err(|_| malformed())?.to_owned();
                self.form.add(name, value)?;
                self.start += end + self.delimiter.len();
                self.step = Step::BoundaryEnd;
            }
        }
        Ok(Stepped::On)
    }
}

/// What came of a step.
enum Stepped {
    On,
    /// More bytes are needed.
    Short,
    /// The file begins.
    File(PartHead),
}

/// Reads what follows the boundary behind the file: the end, or fields that nobody looks at.
///
/// Source: S3 API Reference, "POST Object": fields behind the file are ignored.
///
/// # Errors
/// `MalformedPOSTRequest` for a form that does not end; `IncorrectNumberOfFilesInPostRequest`.
pub(super) fn check_end(delimiter: &[u8], mut rest: &[u8]) -> Result<(), S3Error> {
    loop {
        match rest {
            b"--" | b"--\r\n" => return Ok(()),
            [b'\r', b'\n', part @ ..] => {
                let end = memmem::find(part, HEAD_END).ok_or_else(malformed)?;
                if PartHead::parse(part.get(..end).unwrap_or_default())?.is_file() {
                    return Err(not_one_file());
                }
                let value = part.get(end + HEAD_END.len()..).unwrap_or_default();
                let end = memmem::find(value, delimiter).ok_or_else(malformed)?;
                rest = value.get(end + delimiter.len()..).unwrap_or_default();
            }
            _ => return Err(malformed()),
        }
    }
}
