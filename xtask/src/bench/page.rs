//! The table: on the terminal, as JSON, and in docs/performance.md.

use std::path::Path;

use super::Row;

pub(super) fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let mut text =
        format!("{:<width$}  {:>7}  {:>6}  {:>7}  verdict\n", "what", "ratio", "must", "stretch");
    for row in rows {
        text.push_str(&format!(
            "{:<width$}  {:>7.2}  {:>6.2}  {:>7.2}  {} ({})\n",
            row.name,
            row.ratio,
            row.must,
            row.stretch,
            row.verdict(),
            row.measured
        ));
    }
    text
}

pub(super) fn json(rows: &[Row]) -> String {
    let rows: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| {
            serde_json::json!({
                "name": row.name, "ratio": row.ratio, "must": row.must, "stretch": row.stretch,
                "verdict": row.verdict(), "measured": row.measured,
            })
        })
        .collect();
    serde_json::Value::from(rows).to_string()
}

fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| what | ratio | must | stretch | verdict | measured |\n|---|---|---|---|---|---|\n",
    );
    for row in rows {
        text.push_str(&format!(
            "| {} | {:.2} | {:.2} | {:.2} | {} | {} |\n",
            row.name,
            row.ratio,
            row.must,
            row.stretch,
            row.verdict(),
            row.measured
        ));
    }
    text
}

/// Puts the table between its marks on the page.
pub(super) fn write(page: &Path, rows: &[Row]) -> Result<(), String> {
    put(page, "bench", &markdown(rows))
}

/// Puts the table of very many users between its marks on the page.
pub(super) fn write_large(page: &Path, rows: &[Row]) -> Result<(), String> {
    put(page, "large", &markdown(rows))
}

/// Puts the table of the other engines between its marks on the page.
pub(super) fn write_rivals(page: &Path, table: &str) -> Result<(), String> {
    put(page, "rivals", table)
}

fn put(page: &Path, mark: &str, table: &str) -> Result<(), String> {
    let (begin, end) = (format!("<!-- {mark}: begin -->"), format!("<!-- {mark}: end -->"));
    let failed = |error: std::io::Error| format!("{}: {error}", page.display());
    let text = std::fs::read_to_string(page).map_err(failed)?;
    let parts =
        text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) =
        parts.ok_or_else(|| format!("{} lacks the marks of `{mark}`", page.display()))?;
    std::fs::write(page, format!("{before}{begin}\n{table}{end}{after}")).map_err(failed)
}
