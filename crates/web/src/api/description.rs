//! What the OpenAPI description says beside the routes.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::problem::ProblemDetails;

/// The description without its routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "mailimport",
        description = "Everything that the pages do. Times are RFC 3339 in UTC; ids are UUIDs; sizes are octets. \
            Refusals are problem details (RFC 9457). Secrets go in and never come out: `has_password` says whether \
            one is kept. A POST with an `Idempotency-Key` may be repeated: it is done once. Lists come in pages; \
            `Link` names the others.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "domains", description = "One's own domains."),
        (name = "entries", description = "The prepared list of a domain: source account -> mailbox."),
        (name = "runs", description = "What was started."),
        (name = "imports", description = "One source account of a run."),
        (name = "events", description = "Progress as Server-Sent Events."),
        (name = "account", description = "Oneself."),
        (name = "tokens", description = "What programs come in with; made by people, with name and password."),
        (name = "operator", description = "Customers, all domains, the audit log. For others this is not there.")
    ),
    // The macro for answers names the schema without what it refers to.
    components(schemas(ProblemDetails)),
    modifiers(&Ways)
)]
pub(super) struct Description;

/// The two ways in.
struct Ways;

impl Modify for Ways {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API token with the scope that the call names."));
        let person = HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some(
            "Name and password, and `Mailimport-Code` with a code of the second factor where there is one.",
        ));
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(token.build()));
        components.add_security_scheme("person", SecurityScheme::Http(person.build()));
    }
}
