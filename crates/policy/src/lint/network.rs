//! Addresses and ranges of addresses.

use std::net::IpAddr;

use ipnet::IpNet;

use super::findings::{Findings, Severity, shown};
use super::statement::Condition;

/// A range in CIDR notation; an address alone is a range of one.
pub(super) fn parse(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

pub(super) fn judge(findings: &mut Findings, condition: &Condition<'_>, values: &[(&str, usize)]) {
    for (text, place) in values {
        let Some(range) = parse(text) else { continue };
        if range.addr() != range.network() {
            findings.add(
                (Severity::Suggestion, "IMPROVE_IP_RANGE"),
                *place,
                format!("`{}` has bits set behind its prefix, which are not compared", shown(text)),
                Some(format!("write `{}`", range.trunc())),
            );
        }
        if range.prefix_len() == 0 && !condition.key.eq_ignore_ascii_case("aws:VpcSourceIp") {
            let family = if range.addr().is_ipv4() { "IPv4" } else { "IPv6" };
            findings.add(
                (Severity::Warning, "IP_RANGE_OF_EVERYTHING"),
                *place,
                format!("`{}` is every {family} address", shown(text)),
                Some("name the ranges that are meant".to_owned()),
            );
        }
    }
    if condition.key.eq_ignore_ascii_case("aws:SourceIp") {
        judge_private(findings, condition, values);
    }
}

/// Source: IAM User Guide, "AWS global condition context keys", `aws:SourceIp`: the public address.
fn judge_private(findings: &mut Findings, condition: &Condition<'_>, values: &[(&str, usize)]) {
    let is_private = |text: &str| parse(text).is_some_and(|range| is_private(&range));
    let Some((private, place)) = values.iter().find(|(text, _)| is_private(text)) else { return };
    let all = values.iter().all(|(text, _)| is_private(text));
    let (severity, code) = match (all, condition.is_negated()) {
        (true, false) => (Severity::Warning, "PRIVATE_IP_ADDRESS"),
        (true, true) => (Severity::Warning, "PRIVATE_NOT_IP_ADDRESS"),
        (false, false) => (Severity::Suggestion, "PRIVATE_IP_ADDRESS_SUBSET"),
        (false, true) => (Severity::Suggestion, "PRIVATE_NOT_IP_ADDRESS_SUBSET"),
    };
    findings.add(
        (severity, code),
        *place,
        format!("AWS sees requests come from public addresses, never from `{}`", shown(private)),
        Some("use `aws:VpcSourceIp` for requests through a VPC endpoint; keep it where the policy is for a server in a private network".to_owned()),
    );
}

/// Source: RFC 1918; RFC 4193; RFC 1122, loopback; RFC 3927, link-local; RFC 6598, shared.
fn is_private(range: &IpNet) -> bool {
    const PRIVATE: [&str; 9] = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    ];
    PRIVATE.iter().filter_map(|known| parse(known)).any(|known| known.contains(range))
}
