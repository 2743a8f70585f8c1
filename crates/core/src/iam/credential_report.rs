//! The credential report. Source: IAM User Guide, "Generate credential reports for your AWS account".

use std::borrow::Cow;

use iamd_wire::iam::{
    GenerateCredentialReportRequest, GenerateCredentialReportResponse, GetCredentialReportRequest,
    GetCredentialReportResponse, ReportFormatType, ReportStateType,
};
use iamd_wire::{Blob, ErrorCode, Timestamp};

use super::password_rules::expiry;
use crate::arn;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{
    AccessKey, AccessKeyStatus, AccountSettings, Change, CredentialReport, Entity, KeyOwner, User,
};

/// How long a report is the present one. Same source.
const REPORT_SECONDS: i64 = 4 * 60 * 60;
/// Longest report that is kept, in bytes; some 40,000 users.
const REPORT_LENGTH_MAX: usize = 15 * 1024 * 1024;

const COLUMNS: [&str; 22] = [
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    "access_key_1_active",
    "access_key_1_last_rotated",
    "access_key_1_last_used_date",
    "access_key_1_last_used_region",
    "access_key_1_last_used_service",
    "access_key_2_active",
    "access_key_2_last_rotated",
    "access_key_2_last_used_date",
    "access_key_2_last_used_region",
    "access_key_2_last_used_service",
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
];

/// Services whose last use has no region. Same source.
const SERVICES_WITHOUT_REGION: [&str; 1] = ["iam"];
const NONE: &str = "N/A";

/// Makes a report, unless there is one of the last four hours.
// CHOICE: it is there when this is answered, so that the state `INPROGRESS` never comes.
impl Operation for GenerateCredentialReportRequest {
    const ACTION: &'static str = "iam:GenerateCredentialReport";
    const EFFECT: Effect = Effect::Write;
    type Output = GenerateCredentialReportResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let present = scene.account.credential_report();
        if present.is_some_and(|report| is_present(report, draw.now())) {
            let (state, description) = (Some(ReportStateType::Complete), None);
            return Ok(Planned::read(GenerateCredentialReportResponse { state, description }));
        }
        let content = content(scene).into_bytes();
        if content.len() > REPORT_LENGTH_MAX {
            return Err(Refusal::new(
                ErrorCode::LimitExceeded,
                format!("A credential report has at most {REPORT_LENGTH_MAX} bytes."),
            ));
        }
        let report = CredentialReport { generated: draw.now(), content };
        let output = GenerateCredentialReportResponse {
            state: Some(ReportStateType::Started),
            // CHOICE: the same text when there is an old report; AWS's is not recorded.
            description: Some("No report exists. Starting a new report generation task".to_owned()),
        };
        let changes = vec![Change::Put(Entity::CredentialReport(report))];
        Ok(Planned::write(scene.account, changes, output))
    }
}

/// Shows the report.
impl Operation for GetCredentialReportRequest {
    const ACTION: &'static str = "iam:GetCredentialReport";
    const EFFECT: Effect = Effect::Read;
    type Output = GetCredentialReportResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![Target::wildcard(Self::ACTION, None)])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        // AWS sends no message with either.
        let refusal = |code| Refusal { code, message: None, authorization: None };
        let report = scene.account.credential_report();
        let report = report.ok_or_else(|| refusal(ErrorCode::ReportNotPresent))?;
        if !is_present(report, draw.now()) {
            return Err(refusal(ErrorCode::ReportExpired));
        }
        Ok(Planned::read(GetCredentialReportResponse {
            content: Some(Blob(report.content.clone())),
            report_format: Some(ReportFormatType::TextCsv),
            generated_time: Some(report.generated),
        }))
    }
}

fn is_present(report: &CredentialReport, now: Timestamp) -> bool {
    now.seconds().saturating_sub(report.generated.seconds()) < REPORT_SECONDS
}

/// A line for root, then a line for each user, by name.
fn content(scene: &Scene<'_>) -> String {
    let mut content = COLUMNS.join(",");
    let root = scene.account.settings().map(|settings| root(scene, settings));
    for row in root.into_iter().chain(scene.account.users().iter().map(|it| user(scene, it))) {
        content.push('\n');
        for (place, value) in row.iter().enumerate() {
            content.push_str(if place == 0 { "" } else { "," });
            content.push_str(&field(value));
        }
    }
    content
}

fn root(scene: &Scene<'_>, settings: &AccountSettings) -> Vec<String> {
    let has_password = settings.root_password_hash.is_some();
    let mut row = vec![
        "<root_account>".to_owned(),
        arn::root(scene.account.id()),
        settings.created.to_string(),
        has_password.to_string(),
        // CHOICE: nobody signs in with a password yet.
        if has_password { "no_information" } else { NONE }.to_owned(),
        "not_supported".to_owned(),
        "not_supported".to_owned(),
    ];
    add_credentials(scene, KeyOwner::Root, &mut row);
    row
}

fn user(scene: &Scene<'_>, user: &User) -> Vec<String> {
    let profile = scene.account.login_profile(user.id);
    let next = profile.and_then(|profile| expiry(scene.account, profile));
    let mut row = vec![
        user.name.to_string(),
        arn::user(scene.account.id(), user),
        user.created.to_string(),
        profile.is_some().to_string(),
        // CHOICE: nobody signs in with a password yet.
        if profile.is_some() { "no_information" } else { NONE }.to_owned(),
        or_none(profile.map(|profile| profile.changed)),
        or_none(next),
    ];
    add_credentials(scene, KeyOwner::User(user.id), &mut row);
    row
}

/// MFA, two access keys and two certificates, oldest first.
fn add_credentials(scene: &Scene<'_>, owner: KeyOwner, row: &mut Vec<String>) {
    row.push(scene.account.mfa_devices().has_any(owner).to_string());
    let mut keys = scene.account.keys_of(owner);
    for _ in 0..2 {
        row.extend(access_key(scene, keys.next().map(|key| &**key)));
    }
    let mut certificates = scene.account.signing_certificates().of(owner);
    for _ in 0..2 {
        let certificate = certificates.next();
        row.push(certificate.is_some_and(|it| it.status == AccessKeyStatus::Active).to_string());
        row.push(or_none(certificate.map(|certificate| certificate.uploaded)));
    }
}

fn access_key(scene: &Scene<'_>, key: Option<&AccessKey>) -> [String; 5] {
    let last = key.and_then(|key| scene.facts.access_key_last_use(&key.id));
    let region = last.as_ref().filter(|last| !SERVICES_WITHOUT_REGION.contains(&&*last.service));
    [
        key.is_some_and(|key| key.status == AccessKeyStatus::Active).to_string(),
        or_none(key.map(|key| key.created)),
        or_none(last.as_ref().map(|last| last.time)),
        or_none(region.map(|last| &last.region)),
        or_none(last.as_ref().map(|last| &last.service)),
    ]
}

fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| value.to_string())
}

/// A value as it stands in a line: names may hold commas. RFC 4180, section 2.
fn field(value: &str) -> Cow<'_, str> {
    match value.contains([',', '"']) {
        true => format!("\"{}\"", value.replace('"', "\"\"")).into(),
        false => value.into(),
    }
}
