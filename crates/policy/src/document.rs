//! Policy documents, read and made ready for decisions.

use std::fmt;
use std::sync::{Arc, Weak};

use crate::action::ActionClause;
use crate::condition::Condition;
use crate::json::{self, ParseError, Span};
use crate::principal::{PrincipalClause, PrincipalKind};
use crate::resource::ResourceClause;

/// A policy document: its text, and what it says.
///
/// Copies share everything. Reading is lenient where a document that was never checked still has a
/// meaning, and void where it has none; [`validate`](crate::validate) is the strict check that
/// belongs before storing.
///
/// ```
/// use iamd_policy::Document;
///
/// let document = Document::parse(
///     r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}"#,
/// )?;
/// assert_eq!(document.statements().count(), 1);
/// # Ok::<(), iamd_policy::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Document(Arc<Content>);

/// What copies share.
pub(crate) struct Content {
    source: Box<str>,
    statements: Box<[Statement]>,
    principals: Box<[PlacedPrincipal]>,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// [`ParseError`] when the text is no JSON object, has a key twice in one object, or is longer
    /// or deeper than any policy.
    pub fn parse(text: &str) -> Result<Document, ParseError> {
        let (_, members) = json::read_object(text)?;
        let read = crate::read::document(&members);
        Ok(Document(Arc::new(Content {
            source: text.into(),
            statements: read.statements.into(),
            principals: read.principals.into(),
        })))
    }

    /// Whether both are copies of one document.
    pub fn is_same(&self, other: &Document) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn of_content(content: Arc<Content>) -> Document {
        Document(content)
    }

    pub(crate) fn weak(&self) -> Weak<Content> {
        Arc::downgrade(&self.0)
    }

    /// The text, as it was given.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The statements, in order.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.0.statements.iter()
    }

    pub(crate) fn statement(&self, number: usize) -> Option<&Statement> {
        self.0.statements.get(number)
    }

    /// The principals that the document names, in order, `*` outside of an object left out.
    pub fn principals(&self) -> impl Iterator<Item = NamedPrincipal> {
        self.0.principals.iter().map(|placed| placed.principal.clone())
    }

    /// The text with principals replaced: `replace` gives the new value, or none to keep the old.
    /// Everything else stays as it is, white space included.
    pub fn with_principals_replaced(
        &self,
        mut replace: impl FnMut(&NamedPrincipal) -> Option<String>,
    ) -> String {
        let mut text = String::with_capacity(self.source().len());
        let mut copied = 0;
        for placed in &*self.0.principals {
            let Some(new) = replace(&placed.principal) else { continue };
            text.push_str(self.source().get(copied..placed.span.start).unwrap_or_default());
            text.push_str(&json::quoted(&new));
            copied = placed.span.end;
        }
        text.push_str(self.source().get(copied..).unwrap_or_default());
        text
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.source())
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Document) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Document {}

/// A principal as a document names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPrincipal {
    /// Under which key.
    pub kind: PrincipalKind,
    /// The value.
    pub value: String,
}

pub(crate) struct PlacedPrincipal {
    pub(crate) principal: NamedPrincipal,
    /// The value in the source, quotes included.
    pub(crate) span: Span,
}

/// Whether a statement allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

/// A statement of a document.
#[derive(Debug)]
pub struct Statement {
    pub(crate) sid: Option<Box<str>>,
    pub(crate) span: Span,
    /// What the statement says; none when it can never apply.
    pub(crate) body: Option<Body>,
}

/// What a statement says.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) effect: Effect,
    pub(crate) principal: Option<PrincipalClause>,
    pub(crate) action: ActionClause,
    pub(crate) resource: Option<ResourceClause>,
    pub(crate) conditions: Box<[Condition]>,
}

impl Statement {
    /// The statement's `Sid`.
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// Whether it allows or denies; none if it can never apply.
    pub fn effect(&self) -> Option<Effect> {
        self.body.as_ref().map(|body| body.effect)
    }
}
