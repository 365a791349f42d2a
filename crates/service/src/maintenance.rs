//! What is to be done now and then, whoever asks: old passwords are erased, old notices forgotten.

use crate::error::Result;
use crate::service::Service;

impl Service {
    /// Does what is due. Cheap when nothing is; to be called every few minutes.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Internal`] when the database failed.
    pub async fn maintain(&self) -> Result<()> {
        let runs = self.erase_old_secrets().await?;
        if runs > 0 {
            tracing::info!(runs, "passwords of finished runs were erased");
        }
        self.forget_old_notices().await
    }
}
