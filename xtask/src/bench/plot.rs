//! The plot: each ratio as a share of its limit.

use std::path::Path;

use super::Row;

const ROW_HEIGHT: usize = 26;
const LABEL_WIDTH: usize = 480;
const BAR_WIDTH: usize = 420;
const TOP: usize = 56;
/// The greatest share that is drawn; more is cut off.
const SHARE_MAX: f64 = 1.5;

/// Writes the plot as SVG that reads on light and dark pages.
pub(super) fn write(file: &Path, rows: &[Row]) -> Result<(), String> {
    std::fs::write(file, svg(rows)).map_err(|error| format!("{}: {error}", file.display()))
}

fn svg(rows: &[Row]) -> String {
    let (width, height) = (LABEL_WIDTH + BAR_WIDTH + 90, TOP + rows.len() * ROW_HEIGHT + 20);
    let place =
        |share: f64| LABEL_WIDTH as f64 + share.min(SHARE_MAX) / SHARE_MAX * BAR_WIDTH as f64;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"15\" font-weight=\"600\" fill=\"#1b1f24\">Measured cost as a share of its limit (shorter is better)</text>\n"
    );
    let limit = place(1.0);
    let bottom = TOP + rows.len() * ROW_HEIGHT;
    text.push_str(&format!(
        "<line x1=\"{limit:.1}\" x2=\"{limit:.1}\" y1=\"{}\" y2=\"{bottom}\" stroke=\"#b42318\" stroke-dasharray=\"4 3\"/>\n\
         <text x=\"{limit:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#b42318\">limit</text>\n",
        TOP - 8, TOP - 12
    ));
    for (number, row) in rows.iter().enumerate() {
        let y = TOP + number * ROW_HEIGHT;
        let share = row.ratio / row.must;
        let colour = if share <= row.stretch / row.must {
            "#1a7f37"
        } else if share <= 1.0 {
            "#0969da"
        } else {
            "#bc4c00"
        };
        let name = row.name.replace('&', "&amp;").replace('<', "&lt;");
        text.push_str(&format!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#1b1f24\">{name}</text>\n\
             <rect x=\"{LABEL_WIDTH}\" y=\"{}\" width=\"{:.1}\" height=\"16\" rx=\"2\" fill=\"{colour}\"/>\n\
             <text x=\"{:.1}\" y=\"{}\" fill=\"#1b1f24\">{:.2}</text>\n",
            LABEL_WIDTH - 10, y + 14, y + 2, place(share) - LABEL_WIDTH as f64, place(share) + 6.0, y + 14, row.ratio
        ));
    }
    text + "</svg>\n"
}
