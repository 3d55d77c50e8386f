//! Annotations: notes that jobs leave on their build.

use countersign_domain::Timestamp;
use countersign_domain::annotation::{Priority, Style};
use countersign_domain::id::{AnnotationId, BuildId, Id, JobId, of};

use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// Sets what a context says, or adds to it ($12). `scope_id` is the build's id, or the job's for the scope `job`. What is not given
    /// ($11, $13, $14) stays. One statement, so that of two jobs that append at once neither loses a word.
    PUT = "INSERT INTO annotations (id, build_id, job_id, scope, scope_id, context, style, body, priority, created_at, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
           ON CONFLICT (build_id, scope, scope_id, context) DO UPDATE SET
             body = CASE WHEN $12 THEN annotations.body || excluded.body WHEN $11 THEN excluded.body ELSE annotations.body END,
             style = CASE WHEN $13 THEN excluded.style ELSE annotations.style END,
             priority = CASE WHEN $14 THEN excluded.priority ELSE annotations.priority END,
             job_id = excluded.job_id, updated_at = excluded.updated_at
           RETURNING CAST(OCTET_LENGTH(body) AS BIGINT) AS size";
    /// A build's annotations: highest priority first, oldest first within it.
    OF_BUILD = "SELECT id, job_id, scope, context, style, body, priority, created_at, updated_at FROM annotations
           WHERE build_id = $1 ORDER BY priority DESC, id LIMIT $2";
    /// The first of the same with the starts of their bodies ($3, in characters), and how many bytes the whole ones have.
    STARTS = "SELECT id, job_id, scope, context, style, SUBSTR(body, 1, $3) AS body, priority, created_at, updated_at,
             CAST(OCTET_LENGTH(body) AS BIGINT) AS size FROM annotations WHERE build_id = $1 ORDER BY priority DESC, id LIMIT $2";
    /// One of a build's annotations.
    FIND = "SELECT id, job_id, scope, context, style, body, priority, created_at, updated_at FROM annotations
           WHERE build_id = $1 AND id = $2";
    /// Takes one away.
    REMOVE = "DELETE FROM annotations WHERE build_id = $1 AND scope = $2 AND scope_id = $3 AND context = $4";
    /// How many a build has.
    COUNT = "SELECT COUNT(*) AS n FROM annotations WHERE build_id = $1";
    /// How many there are, and when the last was written.
    PULSE = "SELECT COUNT(*) AS n, COALESCE(MAX(updated_at), 0) AS at FROM annotations WHERE build_id = $1";
    /// How many bytes their bodies have.
    SIZE = "SELECT CAST(COALESCE(SUM(OCTET_LENGTH(body)), 0) AS BIGINT) AS size FROM annotations WHERE build_id = $1";
}

/// Where an annotation stands: what one `append` adds to.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The build.
    pub build: BuildId,
    /// None for the scope `build`, the job for the scope `job`.
    pub job: Option<JobId>,
    /// The context: one annotation for each.
    pub context: &'a str,
}

impl Place<'_> {
    const fn scope(&self) -> &'static str {
        if self.job.is_some() { "job" } else { "build" }
    }
    fn scope_id(&self) -> Id<of::Annotation> {
        self.job.map_or_else(|| self.build.cast(), Id::cast)
    }
}

/// What an annotation says.
#[derive(Debug, Clone)]
pub struct Content {
    /// How it looks.
    pub style: Style,
    /// Markdown, as the job wrote it; never trusted.
    pub body: String,
    /// 1 to 10, 10 first.
    pub priority: i64,
}

/// An annotation of a build.
#[derive(Debug, Clone)]
pub struct Annotation {
    /// Its id.
    pub id: AnnotationId,
    /// The job that wrote it last.
    pub job: JobId,
    /// `build` or `job`.
    pub scope: String,
    /// Its context.
    pub context: String,
    /// What it says.
    pub content: Content,
    /// When it was first written.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

fn content(row: &Row) -> Result<Content, StoreError> {
    Ok(Content { style: row.parse("style")?, body: row.get("body")?, priority: row.get("priority")? })
}

fn annotation(row: &Row) -> Result<Annotation, StoreError> {
    Ok(Annotation {
        id: row.get("id")?,
        job: row.get("job_id")?,
        scope: row.get("scope")?,
        context: row.get("context")?,
        content: content(row)?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

/// What is to be different about an annotation. What is `None` stays; in a new one it is the default.
#[derive(Debug, Clone, Copy)]
pub struct Patch<'a> {
    /// How it looks.
    pub style: Option<Style>,
    /// Markdown.
    pub body: Option<&'a str>,
    /// Whether the body is added to what is there.
    pub append: bool,
    /// 1 to 10, 10 first.
    pub priority: Option<Priority>,
}

/// Writes what stands at a place. Answers how many bytes its body has then.
pub async fn put(
    tx: &mut Tx,
    fresh: AnnotationId,
    at: &Place<'_>,
    by: JobId,
    new: &Patch<'_>,
) -> Result<i64, StoreError> {
    let now = tx.now();
    let values = params![
        fresh,
        at.build,
        by,
        at.scope(),
        at.scope_id(),
        at.context,
        new.style.unwrap_or_default().as_str(),
        new.body.unwrap_or_default(),
        i64::from(new.priority.unwrap_or_default().get()),
        now,
        new.body.is_some(),
        new.append && new.body.is_some(),
        new.style.is_some(),
        new.priority.is_some(),
    ];
    tx.one(PUT, &values).await?.get("size")
}

/// At most `limit` annotations of a build.
pub async fn of_build(tx: &mut Tx, build: BuildId, limit: i64) -> Result<Vec<Annotation>, StoreError> {
    tx.all(OF_BUILD, &params![build, limit]).await?.iter().map(annotation).collect()
}

/// The first `limit` annotations of a build, of each body at most `characters`, and how many bytes it has as a whole.
pub async fn starts(
    tx: &mut Tx,
    build: BuildId,
    limit: i64,
    characters: i64,
) -> Result<Vec<(Annotation, i64)>, StoreError> {
    let rows = tx.all(STARTS, &params![build, limit, characters]).await?;
    rows.iter().map(|row| Ok((annotation(row)?, row.get("size")?))).collect()
}

/// One of a build's annotations.
pub async fn find(tx: &mut Tx, build: BuildId, id: AnnotationId) -> Result<Option<Annotation>, StoreError> {
    tx.maybe(FIND, &params![build, id]).await?.as_ref().map(annotation).transpose()
}

/// Takes away what stands at a place. False when nothing does.
pub async fn remove(tx: &mut Tx, at: &Place<'_>) -> Result<bool, StoreError> {
    Ok(tx.execute(REMOVE, &params![at.build, at.scope(), at.scope_id(), at.context]).await? == 1)
}

/// How many annotations a build has.
pub async fn count(tx: &mut Tx, build: BuildId) -> Result<i64, StoreError> {
    tx.one(COUNT, &params![build]).await?.get("n")
}

/// How many bytes the bodies of a build's annotations have.
pub async fn size(tx: &mut Tx, build: BuildId) -> Result<i64, StoreError> {
    tx.one(SIZE, &params![build]).await?.get("size")
}

/// How many annotations a build has, and when the last of them was written; the epoch when it has none.
pub async fn pulse(tx: &mut Tx, build: BuildId) -> Result<(i64, Timestamp), StoreError> {
    let row = tx.one(PULSE, &params![build]).await?;
    Ok((row.get("n")?, row.get("at")?))
}
