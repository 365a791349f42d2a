# What a customer is told when a check or an import fails, by class; and what reports say.

failure-auth = The old provider did not accept this username or password.
failure-imap_disabled = Mail-program access is switched off at your old provider. Switch it on there, then check again.
failure-oauth_expired = The permission has expired. Please sign in again.
failure-dns = We cannot find that mail server. Please check the spelling.
failure-connect = The old server is not answering. Please check its name, or try again later.
failure-timeout = The old server is not answering. Please check its name, or try again later.
failure-not_imap = The old server is not answering. Please check its name, or try again later.
failure-tls = We could not make a trusted, encrypted connection to this server.
failure-blocked_address = This server’s address is not allowed here.
failure-throttled = Your old provider limits the speed. We continue automatically.
failure-daily_limit = Today’s download allowance is used up. We continue automatically tomorrow.
failure-too_many_connections = The old server allows few connections. We go on with fewer.
failure-unavailable = The old server refuses for the moment. We keep trying.
failure-limit = The old server sends more than can be accepted.
failure-protocol = The old server answered in a way that cannot be used.
failure-unreadable = The old server refuses to hand over too many messages.
failure-uidvalidity_unstable = The old server numbers its messages anew again and again.
failure-server_not_found = We could not find the mail server of this address. Please enter its name; your old provider’s help pages tell it.
failure-mailbox_password_needed = This mailbox does not exist yet. Please enter a password for it.
failure-quota = The new mailbox is full.
failure-disk_full = We paused the import because there is no space left. Nothing is lost.
failure-not_writable = The new mailbox cannot be written to. Please tell whoever runs this service.
failure-busy = Another import is working on this mailbox. We go on after it.
failure-locked = The new mailbox is in use. We keep trying.
failure-destination = The new mailbox cannot be used. Please tell whoever runs this service.
failure-interrupted = The import was interrupted. It goes on where it stopped.
failure-internal = An internal fault stopped this. It can be resumed; nothing is lost.

hint-app_password = Many providers want an app password here instead of your usual one.
hint-app_password-named = { $name } wants an app password here instead of your usual one.
hint-switch_on_imap = Mail programs (IMAP) must first be allowed in your old provider’s settings.
hint-switch_on_imap-named = { $name } wants mail programs (IMAP) to be allowed in its settings first.
hint-mail_program_password = Your old provider wants a password of its own for mail programs.
hint-mail_program_password-named = { $name } wants a password of its own for mail programs.
hint-sign_in_page = Your old provider no longer accepts passwords from mail programs, so this account cannot be imported with a password.
hint-sign_in_page-named = { $name } no longer accepts passwords from mail programs, so this account cannot be imported with a password.
provider-help = How it is done there
server-to-be-found = found during the check

exception-unreadable = The old server refuses to hand over this message.
exception-unavailable = The old server refuses to hand over this message for the moment.
exception-too_large = The message is larger than the new mailbox accepts.
exception-internal = The message could not be imported.
exception-failed = The message could not be imported.
exception-folder-folder_denied = The old server does not let us open folder { $folder }.
exception-folder-folder_unavailable = The old server ends the connection whenever folder { $folder } is opened.
exception-folder-uidvalidity_unstable = The old server numbers the messages of folder { $folder } anew again and again.
exception-folder-unlisted = The old server says that folder { $folder } has more messages than it lists.
exception-folder-internal = The numbers of folder { $folder } do not add up.

note-phantom = The old server listed these messages but does not have them.
note-date_adjusted = The date was missing or impossible at the old server, and was taken from the message itself.
note-keyword_dropped = These messages have labels that the new mailbox cannot hold.
note-uid_ignored = The old server listed entries with a number that no message can have.
note-changed_by_destination = The new mailbox changed these messages on delivery.
note-option_unused = An option matches no folder of the old account.
