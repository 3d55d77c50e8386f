//! Forms in which agents send a file, and the file as text once it is unpacked.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::Request;
use countersign_control::Error;
use countersign_domain::dagster::{BadPacked, unpack_text};
use countersign_http::read_body;
use http::header::CONTENT_TYPE;
use multer::Multipart;

use crate::failure::Failure;

use super::counted;

/// The first of the named fields that the form has, and what is in it; the body has at most so many bytes.
pub(super) async fn file(
    request: Request,
    most: usize,
    names: &[&'static str],
) -> Result<(&'static str, Bytes), Failure> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind)
        .map_err(|_| Error::invalid("Content-Type", "must be multipart/form-data with a boundary"))?;
    let body = read_body(request, most).await?;
    let whole = futures_util::stream::iter([Ok::<_, Infallible>(body)]);
    let mut form = Multipart::new(whole, boundary);
    let broken = |_| Error::invalid("form", "is not whole multipart/form-data");
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let Some(name) = names.iter().copied().find(|name| field.name() == Some(*name)) else { continue };
        return Ok((name, field.bytes().await.map_err(broken)?));
    }
    Err(Error::invalid("form", format!("has no field {}", names.join(", and none "))).into())
}

/// What is in a field, as text of at most `most` bytes.
pub(super) fn unpacked(field: &str, packed: &[u8], most: usize) -> Result<String, Failure> {
    let text = unpack_text(packed, most).map_err(|fault| match fault {
        BadPacked::TooLarge(_) => Failure::TooLarge(format!("The field {field} {fault}.")),
        BadPacked::Broken => Error::invalid(field, fault).into(),
    })?;
    counted(field, &text)?;
    Ok(text)
}
