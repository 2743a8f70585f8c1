//! Resources of Terraform's provider for AWS, each with an import block.
//!
//! Source: the documentation of `hashicorp/aws`: the arguments of each resource, and the id by which
//! it is imported. Terraform knows of a managed policy the version in force alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use iamd_core::account_id::AccountId;
use iamd_core::arn;
use iamd_core::transfer::{Content, Entity};

use super::hcl::{assignments, document, identifier, list, string};

/// The whole file.
pub(super) fn written(content: &Content, account: AccountId) -> String {
    let mut file = File {
        text: String::new(),
        policies: Labels::of(content.policies.keys()),
        groups: Labels::of(content.groups.keys()),
        users: Labels::of(content.users.keys()),
        roles: Labels::of(content.roles.keys()),
        profiles: Labels::of(content.profiles.keys()),
        oidc_providers: Labels::of(content.oidc_providers.keys()),
        saml_providers: Labels::of(content.saml_providers.keys()),
        arns: BTreeMap::new(),
        nested: BTreeSet::new(),
    };
    for (name, policy) in &content.policies {
        let label = file.policies.label(name);
        file.arns.insert(policy.arn(account, name), format!("aws_iam_policy.{label}.arn"));
    }
    file.account(content);
    file.providers(content, account);
    file.policies(content, account);
    file.groups(content);
    file.users(content);
    file.roles(content);
    file.profiles(content);
    file.text.trim_end().to_owned() + "\n"
}

struct File {
    text: String,
    policies: Labels,
    groups: Labels,
    users: Labels,
    roles: Labels,
    profiles: Labels,
    oidc_providers: Labels,
    saml_providers: Labels,
    /// Where the managed policies of the account are, by ARN.
    arns: BTreeMap<String, String>,
    /// Labels of resources that belong to others.
    nested: BTreeSet<String>,
}

/// Labels of one kind of resources, by the names of the things.
struct Labels(BTreeMap<String, String>);

impl Labels {
    fn of<'a>(names: impl Iterator<Item = &'a String>) -> Labels {
        let mut taken = BTreeSet::new();
        let labels = names.map(|name| (name.clone(), unique(identifier(name), &mut taken)));
        Labels(labels.collect())
    }

    /// The label of a thing; what the export does not hold is named as it would be.
    fn label(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_else(|| identifier(name))
    }
}

/// A label that nothing else has.
fn unique(wanted: String, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{wanted}_{number}"));
    let free = std::iter::once(wanted.clone()).chain(numbered).find(|it| !taken.contains(it));
    let label = free.unwrap_or(wanted);
    taken.insert(label.clone());
    label
}

/// The words of a kind that holds policies.
struct Words {
    /// `user`, `group` or `role`.
    kind: &'static str,
    /// Where it is, such as `aws_iam_user.ana`.
    place: String,
    label: String,
}

impl File {
    fn resource(&mut self, kind: &str, label: &str, id: &str, arguments: &[(&str, String)]) {
        let _ = write!(
            self.text,
            "import {{\n  to = {kind}.{label}\n  id = {}\n}}\n\nresource \"{kind}\" \"{label}\" {{\n",
            string(id)
        );
        self.text.push_str(&assignments(arguments, "  "));
        self.text.push_str("}\n\n");
    }

    /// The same for what belongs to something else: its label is made of both names.
    fn nested(&mut self, kind: &str, owner: &str, name: &str, id: &str, with: &[(&str, String)]) {
        let wanted = format!("{kind}.{owner}_{}", identifier(name));
        let label = unique(wanted, &mut self.nested);
        let label = label.rsplit('.').next().unwrap_or_default().to_owned();
        self.resource(kind, &label, id, with);
    }

    /// What an account has once: its alias and its rules for passwords.
    fn account(&mut self, content: &Content) {
        if let Some(alias) = &content.alias {
            let arguments = [("account_alias", string(alias))];
            self.resource("aws_iam_account_alias", "alias", alias, &arguments);
        }
        let Some(policy) = &content.password_policy else { return };
        let mut arguments = vec![
            ("minimum_password_length", policy.minimum_password_length.to_string()),
            ("require_symbols", policy.require_symbols.to_string()),
            ("require_numbers", policy.require_numbers.to_string()),
            ("require_uppercase_characters", policy.require_uppercase_characters.to_string()),
            ("require_lowercase_characters", policy.require_lowercase_characters.to_string()),
            ("allow_users_to_change_password", policy.allow_users_to_change_password.to_string()),
        ];
        let age = policy.max_password_age;
        arguments.extend(age.map(|days| ("max_password_age", days.to_string())));
        let reuse = policy.password_reuse_prevention;
        arguments.extend(reuse.map(|count| ("password_reuse_prevention", count.to_string())));
        arguments.extend(policy.hard_expiry.map(|hard| ("hard_expiry", hard.to_string())));
        let id = "iam-account-password-policy";
        self.resource("aws_iam_account_password_policy", "passwords", id, &arguments);
    }

    fn providers(&mut self, content: &Content, account: AccountId) {
        for (url, provider) in &content.oidc_providers {
            let mut arguments = vec![
                ("url", string(&format!("https://{url}"))),
                ("client_id_list", list(&provider.client_ids)),
                ("thumbprint_list", list(&provider.thumbprints)),
            ];
            arguments.extend(tags(&provider.tags));
            let (label, id) =
                (self.oidc_providers.label(url), arn::iam(account, "oidc-provider", "/", url));
            self.resource("aws_iam_openid_connect_provider", &label, &id, &arguments);
        }
        for (name, provider) in &content.saml_providers {
            let mut arguments = vec![
                ("name", string(name)),
                ("saml_metadata_document", string(&provider.metadata)),
            ];
            arguments.extend(tags(&provider.tags));
            let (label, id) =
                (self.saml_providers.label(name), arn::iam(account, "saml-provider", "/", name));
            self.resource("aws_iam_saml_provider", &label, &id, &arguments);
        }
        for name in content.certificates.keys() {
            // The resource cannot be without the private key.
            let _ = writeln!(
                self.text,
                "# The server certificate {} is left out: its private key is not exported.\n",
                string(name)
            );
        }
    }

    fn policies(&mut self, content: &Content, account: AccountId) {
        for (name, policy) in &content.policies {
            let in_force = policy.versions.iter().find(|version| version.is_default);
            let Some(version) = in_force else { continue };
            let mut arguments = vec![("name", string(name)), ("path", string(&policy.path))];
            let description = policy.description.as_deref();
            arguments.extend(description.map(|text| ("description", string(text))));
            arguments.push(("policy", document(version.document.text())));
            arguments.extend(tags(&policy.tags));
            let (label, arn) = (self.policies.label(name), policy.arn(account, name));
            self.resource("aws_iam_policy", &label, &arn, &arguments);
        }
    }

    fn groups(&mut self, content: &Content) {
        for (name, group) in &content.groups {
            let label = self.groups.label(name);
            let arguments = [("name", string(name)), ("path", string(&group.entity.path))];
            self.resource("aws_iam_group", &label, name, &arguments);
            let place = format!("aws_iam_group.{label}");
            self.held(&Words { kind: "group", place, label }, name, &group.entity);
        }
    }

    fn users(&mut self, content: &Content) {
        for (name, user) in &content.users {
            let label = self.users.label(name);
            let arguments = self.entity(name, &user.entity);
            self.resource("aws_iam_user", &label, name, &arguments);
            let place = format!("aws_iam_user.{label}");
            if !user.groups.is_empty() {
                let groups = user.groups.iter();
                let names: Vec<String> = groups
                    .clone()
                    .map(|group| format!("aws_iam_group.{}.name", self.groups.label(group)))
                    .collect();
                let id = groups.fold(name.clone(), |id, group| format!("{id}/{group}"));
                let groups = format!("[{}]", names.join(", "));
                let arguments = [("user", format!("{place}.name")), ("groups", groups)];
                self.resource("aws_iam_user_group_membership", &label, &id, &arguments);
            }
            self.held(&Words { kind: "user", place, label }, name, &user.entity);
        }
    }

    fn roles(&mut self, content: &Content) {
        for (name, role) in &content.roles {
            let label = self.roles.label(name);
            let mut arguments = self.entity(name, &role.entity);
            let description = role.description.as_deref();
            arguments.extend(description.map(|text| ("description", string(text))));
            let seconds = role.session_seconds_max;
            arguments.extend(seconds.map(|it| ("max_session_duration", it.to_string())));
            arguments.push(("assume_role_policy", document(role.trust.text())));
            self.resource("aws_iam_role", &label, name, &arguments);
            let place = format!("aws_iam_role.{label}");
            self.held(&Words { kind: "role", place, label }, name, &role.entity);
        }
    }

    fn profiles(&mut self, content: &Content) {
        for (name, profile) in &content.profiles {
            let mut arguments = vec![("name", string(name)), ("path", string(&profile.path))];
            let role = profile.role.as_deref();
            let role = role.map(|role| format!("aws_iam_role.{}.name", self.roles.label(role)));
            arguments.extend(role.map(|role| ("role", role)));
            arguments.extend(tags(&profile.tags));
            let label = self.profiles.label(name);
            self.resource("aws_iam_instance_profile", &label, name, &arguments);
        }
    }

    /// The arguments that users and roles share.
    fn entity(&self, name: &str, entity: &Entity) -> Vec<(&'static str, String)> {
        let mut arguments = vec![("name", string(name)), ("path", string(&entity.path))];
        let boundary = entity.boundary.as_deref().map(|arn| self.policy(arn));
        arguments.extend(boundary.map(|boundary| ("permissions_boundary", boundary)));
        arguments.extend(tags(&entity.tags));
        arguments
    }

    /// What a user, group or role holds.
    fn held(&mut self, words: &Words, name: &str, entity: &Entity) {
        let Words { kind, place, label } = words;
        let holder = if *kind == "role" { format!("{place}.id") } else { format!("{place}.name") };
        for (policy, text) in &entity.inline {
            let resource = format!("aws_iam_{kind}_policy");
            let arguments = [
                ("name", string(policy)),
                (*kind, holder.clone()),
                ("policy", document(text.text())),
            ];
            self.nested(&resource, label, policy, &format!("{name}:{policy}"), &arguments);
        }
        for arn in &entity.attached {
            let resource = format!("aws_iam_{kind}_policy_attachment");
            let arguments = [(*kind, format!("{place}.name")), ("policy_arn", self.policy(arn))];
            let policy = arn.rsplit('/').next().unwrap_or_default();
            self.nested(&resource, label, policy, &format!("{name}/{arn}"), &arguments);
        }
    }

    /// A managed policy: a reference to one of this file, or the ARN of another.
    fn policy(&self, arn: &str) -> String {
        self.arns.get(arn).cloned().unwrap_or_else(|| string(arn))
    }
}

fn tags(tags: &BTreeMap<String, String>) -> Option<(&'static str, String)> {
    if tags.is_empty() {
        return None;
    }
    let pairs: Vec<(String, String)> =
        tags.iter().map(|(key, value)| (string(key), string(value))).collect();
    Some(("tags", format!("{{\n{}  }}", assignments(&pairs, "    "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_unique_and_resources_refer_to_each_other() {
        let arn = |rest: &str| format!("arn:aws:iam::111122223333:{rest}");
        let file = serde_json::json!({
            "Policies": [{"PolicyName": "p.1", "Path": "/x/", "Arn": arn("policy/x/p.1"), "PolicyVersionList": [
                {"VersionId": "v1", "IsDefaultVersion": false, "Document": {"old": 1}},
                {"VersionId": "v2", "IsDefaultVersion": true, "Document": {"new": "${aws:username}"}},
            ]}],
            "GroupDetailList": [{"GroupName": "g", "Path": "/", "Arn": arn("group/g")}],
            "UserDetailList": [
                {"UserName": "a.b", "Path": "/", "Arn": arn("user/a.b"), "GroupList": ["g"],
                 "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn("policy/x/p.1")}},
                {"UserName": "a_b", "Path": "/", "Arn": arn("user/a_b"), "UserPolicyList": [
                    {"PolicyName": "i", "PolicyDocument": {}}, {"PolicyName": "i.", "PolicyDocument": {}},
                    {"PolicyName": "i_", "PolicyDocument": {}},
                ]},
            ],
        });
        let account: AccountId = "111122223333".parse().unwrap();
        let content = Content::read(&file.to_string(), account).unwrap();
        let text = written(&content, account);
        for part in [
            "import {\n  to = aws_iam_policy.p_1\n  id = \"arn:aws:iam::111122223333:policy/x/p.1\"\n}\n",
            "\"new\" = \"$${aws:username}\"",
            "resource \"aws_iam_user\" \"a_b\" {\n",
            "resource \"aws_iam_user\" \"a_b_2\" {\n",
            "permissions_boundary = aws_iam_policy.p_1.arn\n",
            "  id = \"a.b/g\"\n",
            "groups = [aws_iam_group.g.name]\n",
            "to = aws_iam_user_policy.a_b_2_i\n",
            "to = aws_iam_user_policy.a_b_2_i_\n",
            "to = aws_iam_user_policy.a_b_2_i__2\n",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("\"old\""));
        assert_eq!(text.matches("import {").count(), text.matches("resource \"").count());
    }
}
