//! QR codes as PNG images.

use png::{BitDepth, ColorType, Encoder};
use qrcode::{Color, EcLevel, QrCode};

/// Dots of one module.
const SCALE: usize = 4;
/// White modules around the code. ISO/IEC 18004, "Quiet zone".
const QUIET: usize = 4;

/// The QR code of a text, in black and white; none if it is too long for one.
pub(super) fn png(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let modules = code.width();
    let colors = code.into_colors();
    let is_dark = |row: usize, column: usize| {
        let place = row.checked_sub(QUIET).zip(column.checked_sub(QUIET));
        let inside = place.filter(|(row, column)| *row < modules && *column < modules);
        let color = inside.and_then(|(row, column)| colors.get(row * modules + column));
        color == Some(&Color::Dark)
    };
    let side = (modules + 2 * QUIET) * SCALE;
    let mut rows = Vec::with_capacity(side * side.div_ceil(8));
    for row in 0..side {
        for first in (0..side).step_by(8) {
            let bit = |dot: usize| dot >= side || !is_dark(row / SCALE, dot / SCALE);
            rows.push((first..first + 8).fold(0, |byte, dot| byte << 1 | u8::from(bit(dot))));
        }
    }
    let mut image = Vec::new();
    let side = u32::try_from(side).ok()?;
    let mut encoder = Encoder::new(&mut image, side, side);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    encoder.write_header().ok()?.write_image_data(&rows).ok()?;
    Some(image)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What a phone reads in an image.
    pub(crate) fn read(image: &[u8]) -> String {
        let decoder = png::Decoder::new(std::io::Cursor::new(image));
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.color_type, info.bit_depth), (ColorType::Grayscale, BitDepth::One));
        assert_eq!(info.width, info.height);
        let side = info.width as usize;
        let is_dark = |column: usize, row: usize| {
            bytes[row * info.line_size + column / 8] >> (7 - column % 8) & 1 == 0
        };
        assert!((0..side).all(|place| (0..QUIET * SCALE).all(|edge| !is_dark(place, edge))));
        let mut seen = rqrr::PreparedImage::prepare_from_bitmap(side, side, is_dark);
        let [code] = &seen.detect_grids()[..] else { panic!("no code, or more than one") };
        code.decode().unwrap().1
    }

    #[test]
    fn what_is_written_is_read() {
        let seed = "GEZDGNBVGY3TQOJQ".repeat(4);
        for text in [
            format!("otpauth://totp/ana@111122223333?secret={seed}"),
            format!("otpauth://totp/{}@{}?secret={seed}", "a+=,.@-".repeat(30), "x".repeat(63)),
        ] {
            assert_eq!(read(&png(&text).unwrap()), text);
        }
    }

    #[test]
    fn what_fits_into_no_code_gives_none() {
        assert!(png(&"x".repeat(2_300)).is_some());
        assert!(png(&"x".repeat(2_400)).is_none());
    }
}
