//! Making a case small that shows something: parts are left out as long as it still does.

use serde_json::Value;

use crate::case::{Held, Question, Texts};

/// The smallest case found by leaving out one part after the other, for which `shows` is true as it
/// is for the case given.
pub fn smallest(
    texts: &Texts,
    question: &Question,
    shows: impl Fn(&Texts, &Question) -> bool,
) -> (Texts, Question) {
    let (mut texts, mut question) = (texts.clone(), question.clone());
    loop {
        let smaller = smaller_texts(&texts).into_iter().find(|texts| shows(texts, &question));
        if let Some(smaller) = smaller {
            texts = smaller;
            continue;
        }
        match smaller_questions(&question).into_iter().find(|question| shows(&texts, question)) {
            Some(smaller) => question = smaller,
            None => return (texts, question),
        }
    }
}

fn smaller_texts(texts: &Texts) -> Vec<Texts> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Texts)| {
        let mut changed = texts.clone();
        change(&mut changed);
        all.push(changed);
    };
    for identity in smaller_lists(&texts.identity) {
        with(&|texts| texts.identity.clone_from(&identity));
    }
    for session in smaller_options(&texts.session, |list| smaller_lists(list)) {
        with(&|texts| texts.session.clone_from(&session));
    }
    for boundary in smaller_options(&texts.boundary, |text| smaller_documents(text)) {
        with(&|texts| texts.boundary.clone_from(&boundary));
    }
    for resource in smaller_options(&texts.resource, |text| smaller_documents(text)) {
        with(&|texts| texts.resource.clone_from(&resource));
    }
    for trust in smaller_options(&texts.trust, |text| smaller_documents(text)) {
        with(&|texts| texts.trust.clone_from(&trust));
    }
    for endpoint in smaller_options(&texts.endpoint, |text| smaller_documents(text)) {
        with(&|texts| texts.endpoint.clone_from(&endpoint));
    }
    for scp in smaller_options(&texts.scp, |levels| smaller_levels(levels)) {
        with(&|texts| texts.scp.clone_from(&scp));
    }
    for rcp in smaller_options(&texts.rcp, |levels| smaller_levels(levels)) {
        with(&|texts| texts.rcp.clone_from(&rcp));
    }
    all
}

fn smaller_options<T>(option: &Option<T>, smaller: impl Fn(&T) -> Vec<T>) -> Vec<Option<T>> {
    let Some(value) = option else { return Vec::new() };
    std::iter::once(None).chain(smaller(value).into_iter().map(Some)).collect()
}

fn smaller_levels(levels: &[Vec<String>]) -> Vec<Vec<Vec<String>>> {
    one_less_or_smaller(levels, |level| smaller_lists(level))
}

fn smaller_lists(texts: &[String]) -> Vec<Vec<String>> {
    one_less_or_smaller(texts, |text| smaller_documents(text))
}

fn one_less_or_smaller<T: Clone>(list: &[T], smaller: impl Fn(&T) -> Vec<T>) -> Vec<Vec<T>> {
    let mut all = Vec::new();
    for at in 0..list.len() {
        let mut less = list.to_vec();
        less.remove(at);
        all.push(less);
    }
    for (at, item) in list.iter().enumerate() {
        for smaller in smaller(item) {
            let mut changed = list.to_vec();
            changed[at] = smaller;
            all.push(changed);
        }
    }
    all
}

/// A document with one member or item less, wherever it is, or with a simpler text.
fn smaller_documents(text: &str) -> Vec<String> {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    smaller_values(&document).iter().map(Value::to_string).filter(|less| less != text).collect()
}

fn smaller_values(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => {
            let mut all: Vec<Value> =
                one_less_or_smaller(items, smaller_values).into_iter().map(Value::from).collect();
            if let [one] = items.as_slice() {
                all.push(one.clone());
            }
            all
        }
        Value::Object(members) => {
            let mut all = Vec::new();
            for key in members.keys() {
                let mut less = members.clone();
                less.remove(key);
                all.push(Value::Object(less));
            }
            for (key, value) in members {
                for smaller in smaller_values(value) {
                    let mut changed = members.clone();
                    changed.insert(key.clone(), smaller);
                    all.push(Value::Object(changed));
                }
            }
            all
        }
        Value::String(text) if text.len() > 1 => vec!["*".into()],
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => Vec::new(),
    }
}

fn smaller_questions(question: &Question) -> Vec<Question> {
    let mut all = Vec::new();
    if question.principal_keys {
        all.push(Question { principal_keys: false, ..question.clone() });
    }
    if question.owner.is_some() {
        all.push(Question { owner: None, ..question.clone() });
    }
    let held = |(key, value): &(String, Held)| match value {
        Held::One(_) => Vec::new(),
        Held::Many(values) => {
            let smaller = one_less_or_smaller(values, |_| Vec::new());
            smaller.into_iter().map(|values| (key.clone(), Held::Many(values))).collect()
        }
    };
    for context in one_less_or_smaller(&question.context, held) {
        all.push(Question { context, ..question.clone() });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;
    use crate::random::Random;

    /// What shows the thing stays; all else goes.
    #[test]
    fn a_case_becomes_small() {
        let mut random = Random::new(5);
        let (mut texts, questions) = generate::case(&mut random, 1);
        texts.identity = vec![
            r#"{"Version":"x","Statement":[{"Effect":"Deny"},{"Action":["a:b","c:d"]}]}"#
                .to_owned(),
        ];
        let shows = |texts: &Texts, _: &Question| texts.identity.concat().contains("c:d");
        let (texts, question) = smallest(&texts, &questions[0], shows);
        assert_eq!(texts.identity, [r#"{"Statement":{"Action":"c:d"}}"#]);
        assert!(texts.resource.is_none() && texts.scp.is_none() && question.context.is_empty());
    }
}
