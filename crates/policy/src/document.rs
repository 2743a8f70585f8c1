//! Policy documents, read and made ready for decisions.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use crate::action::ActionClause;
use crate::condition::Condition;
use crate::json::{self, ParseError, Span};
use crate::principal::{PrincipalClause, PrincipalKind};
use crate::read::Read;
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
    /// What the text says; of a document that nothing has asked yet, nobody has looked.
    read: OnceLock<Box<Read>>,
}

/// What stands in the place of a text that was said to be a document and is none: whoever meets it
/// is denied.
const UNREADABLE: &str = r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}"#;

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// [`ParseError`] when the text is no JSON object, has a key twice in one object, or is longer
    /// or deeper than any policy.
    pub fn parse(text: &str) -> Result<Document, ParseError> {
        let read = OnceLock::from(Box::new(read(text)?));
        Ok(Document(Arc::new(Content { source: text.into(), read })))
    }

    /// The document of a text that was parsed before it was stored: it is read when something first
    /// asks what it says, and takes no more memory than its text until then.
    ///
    /// A text that cannot be read after all denies everything.
    pub fn deferred(text: &str) -> Document {
        Document(Arc::new(Content { source: text.into(), read: OnceLock::new() }))
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
        self.read().statements.iter()
    }

    pub(crate) fn statement(&self, number: usize) -> Option<&Statement> {
        self.read().statements.get(number)
    }

    /// The principals that the document names, in order, `*` outside of an object left out.
    pub fn principals(&self) -> impl Iterator<Item = NamedPrincipal> {
        self.read().principals.iter().map(|placed| placed.principal.clone())
    }

    /// The text with principals replaced: `replace` gives the new value, or none to keep the old.
    /// Everything else stays as it is, white space included.
    pub fn with_principals_replaced(
        &self,
        mut replace: impl FnMut(&NamedPrincipal) -> Option<String>,
    ) -> String {
        let mut text = String::with_capacity(self.source().len());
        let mut copied = 0;
        for placed in &self.read().principals {
            let Some(new) = replace(&placed.principal) else { continue };
            text.push_str(self.source().get(copied..placed.span.start).unwrap_or_default());
            text.push_str(&json::quoted(&new));
            copied = placed.span.end;
        }
        text.push_str(self.source().get(copied..).unwrap_or_default());
        text
    }

    fn read(&self) -> &Read {
        self.0.read.get_or_init(|| {
            Box::new(read(self.source()).or_else(|_| read(UNREADABLE)).unwrap_or_default())
        })
    }
}

fn read(text: &str) -> Result<Read, ParseError> {
    json::read_object(text).map(|(_, members)| crate::read::document(&members))
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
