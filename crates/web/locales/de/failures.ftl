# Was Kunden hören, wenn eine Prüfung oder ein Import fehlschlägt, nach der Art; und was Berichte sagen.

failure-auth = Der alte Anbieter hat Benutzernamen oder Passwort nicht angenommen.
failure-imap_disabled = Der Zugang für Mailprogramme ist bei Ihrem alten Anbieter ausgeschaltet. Schalten Sie ihn dort ein und prüfen Sie dann noch einmal.
failure-oauth_expired = Die Erlaubnis ist abgelaufen. Bitte melden Sie sich noch einmal an.
failure-dns = Diesen Mailserver finden wir nicht. Bitte prüfen Sie die Schreibweise.
failure-connect = Der alte Server antwortet nicht. Bitte prüfen Sie seinen Namen oder versuchen Sie es später noch einmal.
failure-timeout = Der alte Server antwortet nicht. Bitte prüfen Sie seinen Namen oder versuchen Sie es später noch einmal.
failure-not_imap = Der alte Server antwortet nicht. Bitte prüfen Sie seinen Namen oder versuchen Sie es später noch einmal.
failure-tls = Eine vertrauenswürdige, verschlüsselte Verbindung zu diesem Server war nicht möglich.
failure-blocked_address = Die Adresse dieses Servers ist hier nicht erlaubt.
failure-throttled = Ihr alter Anbieter begrenzt das Tempo. Es geht von selbst weiter.
failure-daily_limit = Die Abrufmenge für heute ist verbraucht. Es geht morgen von selbst weiter.
failure-too_many_connections = Der alte Server erlaubt wenige Verbindungen. Es geht mit weniger weiter.
failure-unavailable = Der alte Server lehnt gerade ab. Wir versuchen es weiter.
failure-limit = Der alte Server schickt mehr, als sich annehmen lässt.
failure-protocol = Der alte Server hat so geantwortet, dass sich nichts damit anfangen lässt.
failure-unreadable = Der alte Server gibt zu viele Nachrichten nicht heraus.
failure-uidvalidity_unstable = Der alte Server nummeriert seine Nachrichten immer wieder neu.
failure-server_not_found = Den Mailserver zu dieser Adresse haben wir nicht gefunden. Bitte geben Sie seinen Namen an; er steht auf den Hilfeseiten Ihres alten Anbieters.
failure-mailbox_password_needed = Dieses Postfach gibt es noch nicht. Bitte geben Sie ein Passwort dafür an.
failure-quota = Das neue Postfach ist voll.
failure-disk_full = Der Import wurde angehalten, weil kein Platz mehr da ist. Nichts ist verloren.
failure-not_writable = In das neue Postfach lässt sich nichts schreiben. Bitte sagen Sie dem Betreiber dieses Dienstes Bescheid.
failure-busy = An diesem Postfach arbeitet ein anderer Import. Es geht danach weiter.
failure-locked = Das neue Postfach ist gerade in Benutzung. Wir versuchen es weiter.
failure-destination = Das neue Postfach lässt sich nicht verwenden. Bitte sagen Sie dem Betreiber dieses Dienstes Bescheid.
failure-interrupted = Der Import wurde unterbrochen. Er geht dort weiter, wo er aufgehört hat.
failure-internal = Ein interner Fehler hat das angehalten. Es kann fortgesetzt werden; nichts ist verloren.

hint-app_password = Viele Anbieter verlangen hier ein App-Passwort statt des gewohnten Passworts.
hint-app_password-named = { $name } verlangt hier ein App-Passwort statt des gewohnten Passworts.
hint-switch_on_imap = Mailprogramme (IMAP) müssen zuerst in den Einstellungen Ihres alten Anbieters erlaubt werden.
hint-switch_on_imap-named = Bei { $name } müssen Mailprogramme (IMAP) zuerst in den Einstellungen erlaubt werden.
hint-mail_program_password = Ihr alter Anbieter verlangt ein eigenes Passwort für Mailprogramme.
hint-mail_program_password-named = { $name } verlangt ein eigenes Passwort für Mailprogramme.
hint-sign_in_page = Ihr alter Anbieter nimmt von Mailprogrammen kein Passwort mehr an; dieses Konto lässt sich nicht mit einem Passwort importieren.
hint-sign_in_page-named = { $name } nimmt von Mailprogrammen kein Passwort mehr an; dieses Konto lässt sich nicht mit einem Passwort importieren.
provider-help = So geht das dort
server-to-be-found = wird bei der Prüfung gesucht

exception-unreadable = Der alte Server gibt diese Nachricht nicht heraus.
exception-unavailable = Der alte Server gibt diese Nachricht zurzeit nicht heraus.
exception-too_large = Die Nachricht ist größer, als das neue Postfach annimmt.
exception-internal = Die Nachricht konnte nicht importiert werden.
exception-failed = Die Nachricht konnte nicht importiert werden.
exception-folder-folder_denied = Der alte Server lässt uns den Ordner { $folder } nicht öffnen.
exception-folder-folder_unavailable = Der alte Server trennt die Verbindung, sobald der Ordner { $folder } geöffnet wird.
exception-folder-uidvalidity_unstable = Der alte Server nummeriert die Nachrichten des Ordners { $folder } immer wieder neu.
exception-folder-unlisted = Der alte Server nennt für den Ordner { $folder } mehr Nachrichten, als er auflistet.
exception-folder-internal = Die Zahlen des Ordners { $folder } gehen nicht auf.

note-phantom = Der alte Server hat diese Nachrichten aufgelistet, hat sie aber nicht.
note-date_adjusted = Das Datum fehlte beim alten Server oder war unmöglich; es wurde der Nachricht selbst entnommen.
note-keyword_dropped = Diese Nachrichten haben Schlagwörter, die das neue Postfach nicht aufnehmen kann.
note-uid_ignored = Der alte Server hat Einträge mit einer Nummer aufgelistet, die keine Nachricht haben kann.
note-changed_by_destination = Das neue Postfach hat diese Nachrichten beim Ablegen verändert.
note-option_unused = Eine Angabe passt zu keinem Ordner des alten Kontos.
