//! Which services documents let somebody use, as far as their actions tell.

use crate::document::{Body, Document, Effect};
use crate::resource::ResourcePattern;
use crate::service_data;

/// Grants by service: what statements allow, less what is denied whatever the request.
///
/// Resources and conditions of what allows do not count: who may do something to something can use
/// the service.
///
/// Source: IAM API Reference, ListPoliciesGrantingServiceAccess, which leaves open what a grant is.
#[derive(Debug)]
pub struct ServiceAccess<'d> {
    allows: Vec<&'d Body>,
    denies: Vec<&'d Body>,
}

impl<'d> ServiceAccess<'d> {
    /// What `granting` grants where `all` are in force.
    ///
    /// ```
    /// use iamd_policy::{Document, ServiceAccess};
    ///
    /// let document = Document::parse(
    ///     r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}"#,
    /// )?;
    /// let access = ServiceAccess::of([&document], [&document]);
    /// assert!(access.reaches("s3") && !access.reaches("ec2"));
    /// # Ok::<(), iamd_policy::ParseError>(())
    /// ```
    pub fn of(
        granting: impl IntoIterator<Item = &'d Document>,
        all: impl IntoIterator<Item = &'d Document>,
    ) -> ServiceAccess<'d> {
        let bodies =
            |document: &'d Document| document.statements().filter_map(|it| it.body.as_ref());
        let is_allow = |body: &&Body| body.effect == Effect::Allow && body.principal.is_none();
        ServiceAccess {
            allows: granting.into_iter().flat_map(bodies).filter(is_allow).collect(),
            denies: all.into_iter().flat_map(bodies).filter(denies_always).collect(),
        }
    }

    /// Whether an action of the service of this prefix is granted.
    pub fn reaches(&self, prefix: &str) -> bool {
        let prefix = prefix.to_ascii_lowercase();
        let concerns = |body: &&&Body| body.action.can_concern(&prefix);
        let allows: Vec<&Body> = self.allows.iter().filter(concerns).copied().collect();
        if allows.is_empty() {
            return false;
        }
        let denies: Vec<&Body> = self.denies.iter().filter(concerns).copied().collect();
        let granted = |action: &str| {
            allows.iter().any(|body| body.action.covers(action))
                && !denies.iter().any(|body| body.action.covers(action))
        };
        match service_data::service(&prefix) {
            Some(service) => {
                service.action_names().any(|(name, _)| granted(&format!("{prefix}:{name}")))
            }
            // A service that the data do not know: whoever names it has one of its actions in mind.
            None => !denies.iter().any(|body| body.action.covers(&format!("{prefix}:*"))),
        }
    }

    /// How many action patterns must be looked at for every service: what makes questions slow.
    pub fn patterns_for_every_service(&self) -> usize {
        let bodies = self.allows.iter().chain(&self.denies);
        bodies.map(|body| body.action.patterns_for_every_service()).sum()
    }
}

/// Whether a statement denies its actions on everything, without a condition.
fn denies_always(body: &&Body) -> bool {
    let everything = body.resource.as_ref().is_some_and(|clause| {
        let is_everything = |it: &ResourcePattern| matches!(it, ResourcePattern::Everything);
        !clause.negated && clause.patterns.iter().any(is_everything)
    });
    body.effect == Effect::Deny && everything && body.conditions.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(statements: &str) -> Document {
        Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#))
            .unwrap()
    }

    fn statement(effect: &str, actions: &str, more: &str) -> String {
        format!(r#"{{"Effect":"{effect}",{actions},{more}}}"#)
    }

    #[test]
    fn what_an_action_of_the_service_is_allowed_by_reaches_it() {
        let everywhere = r#""Resource":"*""#;
        for (actions, reached, beside) in [
            (r#""Action":"*""#, "s3", "-"),
            (r#""Action":"S3:getobject""#, "s3", "s3-outposts"),
            (r#""Action":["s3:Get*","ec2:*"]"#, "ec2", "iam"),
            (r#""Action":"s?:*""#, "s3", "ec2"),
            (r#""Action":"s3:NoSuchAction""#, "-", "s3"),
            (r#""NotAction":"iam:*""#, "s3", "iam"),
            (r#""Action":"own:Thing""#, "own", "other"),
        ] {
            let document = document(&statement("Allow", actions, everywhere));
            let access = ServiceAccess::of([&document], [&document]);
            assert!(reached == "-" || access.reaches(reached), "{actions} {reached}");
            assert!(!access.reaches(beside) || beside == "-", "{actions} {beside}");
        }
        let one = document(&statement("Allow", r#""Action":"s3:GetObject""#, r#""Resource":"a""#));
        assert!(ServiceAccess::of([&one], [&one]).reaches("s3"), "resources do not count");
    }

    #[test]
    fn only_what_is_denied_always_takes_a_service_away() {
        let all = document(&statement("Allow", r#""Action":"*""#, r#""Resource":"*""#));
        let condition = r#""Resource":"*","Condition":{"Bool":{"a:b":"true"}}"#;
        for (actions, more, reached) in [
            (r#""Action":"s3:*""#, r#""Resource":"*""#, false),
            (r#""Action":"s3:Get*""#, r#""Resource":"*""#, true),
            (r#""Action":"s3:*""#, r#""Resource":"arn:aws:s3:::b""#, true),
            (r#""Action":"s3:*""#, condition, true),
            (r#""NotAction":"ec2:*""#, r#""Resource":"*""#, false),
        ] {
            let deny = document(&statement("Deny", actions, more));
            let access = ServiceAccess::of([&all], [&all, &deny]);
            assert_eq!(access.reaches("s3"), reached, "{actions} {more}");
            assert!(access.reaches("ec2"));
        }
    }

    #[test]
    fn patterns_without_a_service_are_counted() {
        let actions = r#""Action":["s3:Get*","*:Get*","s3:GetObject","*"]"#;
        let wide = document(&statement("Allow", actions, r#""Resource":"*""#));
        assert_eq!(ServiceAccess::of([&wide], [&wide]).patterns_for_every_service(), 2);
        let not =
            document(&statement("Allow", r#""NotAction":["a:b","c:d"]"#, r#""Resource":"*""#));
        assert_eq!(ServiceAccess::of([&not], [&not]).patterns_for_every_service(), 2);
    }
}
