//! Whether what policies do not allow is refused or only noted: for a service, and for principals.

use iamd_core::account_id::AccountId;
use iamd_core::audit::Requester;
use iamd_policy::Principal;

use crate::fault::Fault;

/// The service that the gateway knows.
const SERVICE: &str = "s3";
/// Most patterns of ARNs, of both modes together: each is compared with the caller of each request.
const PATTERNS_MAX: usize = 1_000;
/// Longest pattern, in characters.
// Source: IAM API Reference, `arnType`.
const PATTERN_LENGTH_MAX: usize = 2_048;

/// What becomes of what policies do not allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is refused.
    #[default]
    Enforce,
    /// It is noted, and passes. Signatures are proven all the same.
    Observe,
}

/// Which mode holds for whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Modes {
    /// For whoever no pattern is about.
    service: Mode,
    principals: Vec<(Pattern, Mode)>,
}

/// The ARN of a principal; `*` stands for any characters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern(Box<str>);

impl Mode {
    /// The word in settings, answers and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Enforce => "enforce",
            Mode::Observe => "observe",
        }
    }

    fn read(word: &str) -> Option<Mode> {
        [Mode::Enforce, Mode::Observe].into_iter().find(|mode| mode.as_str() == word)
    }
}

impl Modes {
    /// Reads settings: `modes` are `enforce`, `observe` or `s3=observe`, the others are ARNs of
    /// principals, in which `*` stands for any characters.
    ///
    /// # Errors
    /// [`Fault::Refused`] that says what is none, or said twice.
    pub fn read(modes: &[String], observe: &[String], enforce: &[String]) -> Result<Modes, Fault> {
        let count = observe.len().saturating_add(enforce.len());
        if count > PATTERNS_MAX {
            return Err(refused(format!(
                "{count} principals are too many: {PATTERNS_MAX} at most"
            )));
        }
        let (mut general, mut own) = (None, None);
        for text in modes {
            let (place, word) = match text.split_once('=') {
                None => (&mut general, text.as_str()),
                Some((SERVICE, word)) => (&mut own, word),
                Some((service, _)) => {
                    let what =
                        format!("`{text}` names the service {service}; the gateway knows s3");
                    return Err(refused(what));
                }
            };
            let mode = Mode::read(word).ok_or_else(|| {
                refused(format!("`{text}` is no mode: write enforce, observe or s3=observe"))
            })?;
            if place.replace(mode).is_some() {
                return Err(refused(format!("`{text}` says again what another one has said")));
            }
        }
        let both = [(observe, Mode::Observe), (enforce, Mode::Enforce)];
        let both =
            both.into_iter().flat_map(|(arns, mode)| arns.iter().map(move |arn| (arn, mode)));
        let principals = both
            .map(|(arn, mode)| Ok((Pattern::read(arn)?, mode)))
            .collect::<Result<_, Fault>>()?;
        Ok(Modes { service: own.or(general).unwrap_or_default(), principals })
    }

    /// The mode for a caller. For a stranger, whose denial nobody could lay at anyone's door, it is
    /// always to enforce.
    ///
    /// Of the patterns that fit him the one that leaves the least open counts: one without `*`, else the
    /// one with the most characters beside them; of equals, one that enforces. Without any, what is said
    /// of the service.
    pub(super) fn of(&self, requester: Option<&Requester>) -> Mode {
        let Some(requester) = requester else { return Mode::Enforce };
        self.of_principal(&requester.caller.principal)
    }

    fn of_principal(&self, principal: &Principal) -> Mode {
        let own = principal.arn().unwrap_or_default();
        let role = match principal {
            Principal::RoleSession { role_arn, .. } => Some(role_arn.as_str()),
            _ => None,
        };
        let fits =
            |pattern: &Pattern| pattern.fits(&own) || role.is_some_and(|role| pattern.fits(role));
        let fitting = self.principals.iter().filter(|(pattern, _)| fits(pattern));
        let closest = fitting.max_by_key(|(pattern, mode)| {
            (pattern.is_whole(), pattern.literal_length(), *mode == Mode::Enforce)
        });
        closest.map_or(self.service, |(_, mode)| *mode)
    }

    /// Whether anybody is only observed.
    pub fn observe_anybody(&self) -> bool {
        let mut all = self.principals.iter().map(|(_, mode)| *mode).chain([self.service]);
        all.any(|mode| mode == Mode::Observe)
    }
}

impl Pattern {
    /// # Errors
    /// [`Fault::Refused`] for what cannot be the ARN of a principal of one account.
    fn read(text: &str) -> Result<Pattern, Fault> {
        let rest =
            text.strip_prefix("arn:aws:iam::").or_else(|| text.strip_prefix("arn:aws:sts::"));
        let account = rest.and_then(|rest| rest.split_once(':'));
        let names_account = account.is_some_and(|(account, name)| {
            account.parse::<AccountId>().is_ok() && !name.is_empty()
        });
        if !names_account || text.chars().count() > PATTERN_LENGTH_MAX {
            return Err(refused(format!(
                "`{text}` names no principals of one account: write it as arn:aws:iam::111122223333:user/ci*"
            )));
        }
        Ok(Pattern(text.into()))
    }

    fn is_whole(&self) -> bool {
        !self.0.contains('*')
    }

    fn literal_length(&self) -> usize {
        self.0.chars().filter(|character| *character != '*').count()
    }

    /// Whether an ARN is one of these. Each piece between two `*` is taken where it first stands, which
    /// leaves the most to those behind it.
    fn fits(&self, arn: &str) -> bool {
        let Some((start, rest)) = self.0.split_once('*') else { return *self.0 == *arn };
        let (pieces, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        let Some(mut left) = arn.strip_prefix(start).and_then(|left| left.strip_suffix(end)) else {
            return false;
        };
        pieces.split('*').all(|piece| match left.split_once(piece) {
            _ if piece.is_empty() => true,
            Some((_, behind)) => {
                left = behind;
                true
            }
            None => false,
        })
    }
}

fn refused(what: String) -> Fault {
    Fault::Refused(format!("modes of the gateway: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modes(modes: &[&str], observe: &[&str], enforce: &[&str]) -> Result<Modes, String> {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let read = Modes::read(&owned(modes), &owned(observe), &owned(enforce));
        read.map_err(|fault| fault.to_string())
    }

    fn user(name: &str) -> Principal {
        Principal::User {
            arn: format!("arn:aws:iam::111122223333:user/{name}"),
            unique_id: "AIDAEXAMPLE".to_owned(),
            has_boundary: false,
        }
    }

    fn session(role: &str, name: &str) -> Principal {
        let role_name = role.rsplit('/').next().unwrap();
        Principal::RoleSession {
            session_arn: format!("arn:aws:sts::111122223333:assumed-role/{role_name}/{name}"),
            role_arn: format!("arn:aws:iam::111122223333:role/{role}"),
            role_id: "AROAEXAMPLE".to_owned(),
            has_boundary: false,
        }
    }

    #[test]
    fn the_closest_pattern_decides_and_then_the_service() {
        let all = modes(
            &["enforce", "s3=observe"],
            &["arn:aws:iam::111122223333:user/team/*", "arn:aws:iam::111122223333:user/ana"],
            &[
                "arn:aws:iam::111122223333:user/*",
                "arn:aws:iam::111122223333:user/team/lead",
                "arn:aws:iam::111122223333:user/an*",
            ],
        );
        let all = all.unwrap();
        for (name, mode) in [
            ("ben", Mode::Enforce),
            ("team/ben", Mode::Observe),
            ("team/lead", Mode::Enforce),
            ("team/leader", Mode::Observe),
            ("ana", Mode::Observe),
            ("anab", Mode::Enforce),
        ] {
            assert_eq!(all.of_principal(&user(name)), mode, "{name}");
        }
        let root = Principal::Root { account: "111122223333".to_owned() };
        assert_eq!(all.of_principal(&root), Mode::Observe);
        // Whoever nobody has proven to be himself is nobody to observe.
        assert_eq!(all.of(None), Mode::Enforce);
        assert!(all.observe_anybody());
    }

    #[test]
    fn of_equals_the_one_that_enforces_counts() {
        let pattern = &["arn:aws:iam::111122223333:user/a*"];
        assert_eq!(modes(&[], pattern, pattern).unwrap().of_principal(&user("a")), Mode::Enforce);
        let (one, other) =
            (["arn:aws:iam::111122223333:user/*a"], ["arn:aws:iam::111122223333:user/a*"]);
        for (observe, enforce) in [(&one, &other), (&other, &one)] {
            let modes = modes(&[], observe, enforce).unwrap();
            assert_eq!(modes.of_principal(&user("a")), Mode::Enforce);
        }
    }

    #[test]
    fn a_session_is_named_by_its_role_or_by_itself() {
        let by_role = modes(&[], &["arn:aws:iam::111122223333:role/ci/*"], &[]).unwrap();
        assert_eq!(by_role.of_principal(&session("ci/build", "x")), Mode::Observe);
        assert_eq!(by_role.of_principal(&session("cd/build", "x")), Mode::Enforce);
        assert_eq!(by_role.of_principal(&user("ci/build")), Mode::Enforce);
        let by_session =
            modes(&["observe"], &[], &["arn:aws:sts::111122223333:assumed-role/build/*-prod"]);
        let by_session = by_session.unwrap();
        assert_eq!(by_session.of_principal(&session("ci/build", "x-prod")), Mode::Enforce);
        assert_eq!(by_session.of_principal(&session("ci/build", "x-prod2")), Mode::Observe);
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, fits) in [
            ("*", "a", true),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*a", "ba", true),
            ("*a", "ab", false),
            ("a*b*c", "a/b/c", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("a*ab", "ab", false),
            ("a**b", "ab", true),
            ("a*bc*c", "abc", false),
            ("ci", "ci", true),
            ("ci", "ci2", false),
            ("CI", "ci", false),
        ] {
            let pattern =
                Pattern::read(&format!("arn:aws:iam::111122223333:user/{pattern}")).unwrap();
            let arn = format!("arn:aws:iam::111122223333:user/{name}");
            assert_eq!(pattern.fits(&arn), fits, "{pattern:?} {name}");
        }
        let other = Pattern::read("arn:aws:iam::111122223333:user/*").unwrap();
        assert!(!other.fits("arn:aws:iam::999999999999:user/a"));
    }

    #[test]
    fn what_is_no_mode_or_too_wide_is_refused() {
        for mode in ["", "off", "Observe", "s3=", "s3=off", "dynamodb=observe", "s3 = observe"] {
            assert!(modes(&[mode], &[], &[]).is_err(), "{mode}");
        }
        assert!(modes(&["observe", "enforce"], &[], &[]).is_err());
        assert!(modes(&["s3=observe", "s3=observe"], &[], &[]).is_err());
        for arn in [
            "*",
            "arn:aws:iam::*:user/a",
            "arn:aws:iam::11112222333*",
            "arn:aws:iam::111122223333:",
            "arn:aws:s3:::bucket",
            "111122223333",
            "ana",
        ] {
            assert!(modes(&[], &[arn], &[]).is_err(), "{arn}");
            assert!(modes(&[], &[], &[arn]).is_err(), "{arn}");
        }
        let many = vec!["arn:aws:iam::111122223333:user/a"; PATTERNS_MAX + 1];
        assert!(modes(&[], &many, &[]).is_err());
        assert_eq!(modes(&[], &[], &[]).unwrap(), Modes::default());
        assert!(!Modes::default().observe_anybody());
    }
}
