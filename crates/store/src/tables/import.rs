//! Imports of runs.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "import")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Owner.
    pub customer_id: Uuid,
    /// Domain.
    pub domain_id: Uuid,
    /// Run.
    pub run_id: Uuid,
    /// Place in the run.
    pub number: i64,
    /// As typed.
    #[sea_orm(column_type = "Text")]
    pub server: String,
    /// As typed.
    #[sea_orm(column_type = "Text")]
    pub username: String,
    /// Sealed, until it is erased.
    pub password: Option<Vec<u8>>,
    /// Local part.
    #[sea_orm(column_type = "Text")]
    pub mailbox: String,
    /// Sealed, until the mailbox is there.
    pub mailbox_password: Option<Vec<u8>>,
    /// The server that the check found, JSON.
    #[sea_orm(column_type = "Text")]
    pub found: String,
    /// State.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// Folders; 0 until they were counted.
    pub folders_total: i64,
    /// Messages that the old server has.
    pub messages_total: i64,
    /// Messages of which it is known what became of them.
    pub messages_done: i64,
    /// Octets, when the server told.
    pub octets_total: Option<i64>,
    /// Octets done.
    pub octets_done: i64,
    /// Messages that this run brought.
    pub imported: i64,
    /// Octets a second, lately.
    pub speed: i64,
    /// JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub folders: Option<String>,
    /// What is worked on.
    #[sea_orm(column_type = "Text", nullable)]
    pub current_folder: Option<String>,
    /// Milliseconds since 1970.
    pub retry_at: Option<i64>,
    /// JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub failure: Option<String>,
    /// How many the report has.
    pub exceptions: i64,
    /// Whether this run made the mailbox.
    pub mailbox_created: bool,
    /// JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub report: Option<String>,
    /// Milliseconds since 1970.
    pub started_at: Option<i64>,
    /// Milliseconds since 1970.
    pub finished_at: Option<i64>,
    /// When the first of the failures came that nothing good has followed.
    pub failing_since: Option<i64>,
    /// What the ledger held of each folder when this run began with it, JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub brought_before: Option<String>,
    /// The job.
    pub job_id: Option<i64>,
    /// The domain's revision at its last change.
    pub revision: i64,
}

/// None: rows are joined by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
