//! The credential report: which credentials users had, that no file can carry.
//!
//! Source: IAM User Guide, "Generate credential reports for your AWS account".

/// Most lines of a report: as many users as an account can have, root and the head.
const LINES_MAX: usize = 5_002;

/// A column of the report, and what users need anew who have `true` in it.
const COLUMNS: [(&str, &str); 6] = [
    ("password_enabled", "password"),
    ("mfa_active", "MFA device"),
    ("access_key_1_active", "access key"),
    ("access_key_2_active", "second access key"),
    ("cert_1_active", "signing certificate"),
    ("cert_2_active", "second signing certificate"),
];

/// What each user had: secrets are in no file, so all of it must be made anew.
///
/// # Errors
/// What is wrong with the report, and in which line.
pub fn missing_credentials(report: &str) -> Result<Vec<(String, Vec<&'static str>)>, String> {
    if report.lines().count() > LINES_MAX {
        return Err(format!("the credential report has more than {LINES_MAX} lines"));
    }
    let mut lines = report.lines();
    let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let place = |name: &str| {
        let place = head.iter().position(|column| *column == name);
        place.ok_or_else(|| format!("the credential report has no column {name}"))
    };
    let user = place("user")?;
    let columns: Vec<(usize, &str)> = COLUMNS
        .into_iter()
        .map(|(column, need)| Ok((place(column)?, need)))
        .collect::<Result<_, String>>()?;
    let mut missing = Vec::new();
    for (number, line) in (2..).zip(lines) {
        let fields: Vec<&str> = line.split(',').collect();
        if fields.len() != head.len() {
            return Err(format!("line {number} of the credential report has other columns"));
        }
        let has = |place: usize| fields.get(place).is_some_and(|field| *field == "true");
        let needs: Vec<&str> =
            columns.iter().filter(|(place, _)| has(*place)).map(|(_, need)| *need).collect();
        let name = fields.get(user).copied().unwrap_or_default();
        // Root of another account is not carried over.
        if !needs.is_empty() && name != "<root_account>" {
            missing.push((name.to_owned(), needs));
        }
    }
    Ok(missing)
}
