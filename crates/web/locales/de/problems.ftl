# Was jemand eingegeben hat und so nicht verwendet werden kann: zu jedem Problem sein Satz, nach seinem Kürzel.

field-server = IMAP-Server
field-username = IMAP-Benutzername
field-password = IMAP-Passwort
field-mailbox = Postfach
field-mailbox_password = Postfach-Passwort

problem-server_missing = Bitte geben Sie den IMAP-Server an. Von selbst gefunden wird er nur, wenn der Benutzername eine E-Mail-Adresse ist.
problem-server_scheme = Das ist nicht die Adresse eines Mailservers. Sie sieht aus wie imap.example.org, ohne https:// oder Ähnliches.
problem-server_userinfo = Hierher gehört nur der Server; Benutzername und Passwort haben eigene Felder.
problem-server_path = Bitte geben Sie nur den Server an, ohne Schrägstrich und was danach kommt.
problem-server_space = Im Namen eines Servers stehen keine Leerzeichen.
problem-server_host = Das ist nicht der Name eines Servers. Er sieht aus wie imap.example.org.
problem-server_brackets = Eine IPv6-Adresse steht in Klammern, wie in [2001:db8::1] oder [2001:db8::1]:993.
problem-server_port = Der Port hinter dem Doppelpunkt ist eine Zahl von 1 bis 65535.
problem-username_missing = Bitte geben Sie den Benutzernamen beim alten Anbieter an.
problem-username_characters = Der Benutzername enthält ein Zeichen, das sich nicht senden lässt.
problem-username_long = Der Benutzername ist zu lang.
problem-password_missing = Bitte geben Sie das Passwort beim alten Anbieter an.
problem-password_characters = Das IMAP-Passwort enthält einen Zeilenumbruch oder ein anderes Zeichen, das sich nicht senden lässt.
problem-password_long = Das IMAP-Passwort hat mehr als { $limit } Zeichen.
problem-mailbox_missing = Bitte geben Sie das Postfach an: den Teil vor dem @.
problem-mailbox_other_domain = Das Postfach gehört zu einer anderen Domain als { $domain }.
problem-mailbox_long = Der Teil vor dem @ hat höchstens 64 Zeichen.
problem-mailbox_characters = Der Teil vor dem @ darf Buchstaben a–z, Ziffern und . - _ + enthalten, und keinen Punkt am Rand oder neben einem anderen.
problem-mailbox_dots = Der Teil vor dem @ darf nicht mit einem Punkt beginnen oder enden und keine zwei Punkte hintereinander haben.
problem-mailbox_password_short = Das Postfach-Passwort braucht mindestens 12 Zeichen.
problem-mailbox_password_lowercase = Das Postfach-Passwort braucht einen Kleinbuchstaben a–z.
problem-mailbox_password_uppercase = Das Postfach-Passwort braucht einen Großbuchstaben A–Z.
problem-mailbox_password_digit_or_special = Das Postfach-Passwort braucht eine Ziffer oder eines der Zeichen !$%()=?+#-.,;:~*@[]_
problem-mailbox_password_characters = Das Postfach-Passwort enthält einen Zeilenumbruch oder ein anderes Zeichen, das sich nicht senden lässt.
problem-mailbox_password_long = Das Postfach-Passwort hat mehr als { $limit } Zeichen.
problem-mailbox_password_unusable = Das neue Postfach kann dieses Passwort nicht annehmen. Bitte wählen Sie ein anderes.
problem-mailbox_password_conflict = Für dieses Postfach sind verschiedene Passwörter angegeben. Ein neues Postfach hat eines; bitte legen Sie es fest.
problem-mailbox_shared = In dieses Postfach kommen mehrere Konten, eines nach dem anderen.
problem-spreadsheet_damage = Eine Tabellenkalkulation hat diesen Wert verändert, zum Beispiel in 1,23E+15. Bitte geben Sie ihn neu ein.
problem-entry_empty = Bitte füllen Sie zuerst die Felder aus.
problem-entry_duplicate = Genau dieser Eintrag steht schon in der Liste.
problem-list_full = Die Liste fasst { $most } Einträge. Bitte starten Sie sie oder entfernen Sie zuerst welche.

problem-csv_line = Zeile { $line } der Datei
problem-csv_missing = Bitte wählen Sie eine CSV-Datei oder fügen Sie Zeilen ein.
problem-csv_too_large = Die Datei ist größer als { $limit }. Bitte teilen Sie sie und fügen Sie die Teile nacheinander hinzu.
problem-csv_too_many_rows = Die Datei hat mehr als { $limit } Zeilen. Bitte teilen Sie sie und fügen Sie die Teile nacheinander hinzu.
problem-csv_empty = Darin steht keine Zeile mit einem Konto.
problem-csv_columns = Zeile { $line } hat { $found } Felder statt { $expected }. Ein Passwort, in dem das Trennzeichen vorkommt, steht in Anführungszeichen.
problem-csv_column_ignored = Diese Spalten werden nicht gebraucht und wurden nicht gelesen: { $columns }
problem-csv_column_twice = Zwei Spalten der ersten Zeile bedeuten dasselbe: { $column }
problem-csv_column_missing = In der ersten Zeile fehlen diese Spalten: { $columns }
problem-csv_separator = Die erste Zeile, sep=, nennt kein brauchbares Trennzeichen.
problem-csv_not_text = Das ist keine CSV-Datei. Wählen Sie in Excel „Speichern unter“ und dann „CSV UTF-8“.
problem-csv_encoding = Die Datei gibt sich als { $encoding } aus, ist es aber nicht. Bitte speichern Sie sie als CSV UTF-8.
problem-csv_encoding_guessed = Die Datei sagt nicht, wie Buchstaben wie ü geschrieben sind. Bitte vergleichen Sie Namen und Passwörter mit solchen Buchstaben.
problem-csv_quote_unclosed = Ein Anführungszeichen, das in Zeile { $line } beginnt, wird nicht geschlossen. Innerhalb von Anführungszeichen schreibt man ein Anführungszeichen doppelt.
problem-csv_quote_text = In Zeile { $line } folgt etwas auf ein schließendes Anführungszeichen. Innerhalb von Anführungszeichen schreibt man ein Anführungszeichen doppelt.
problem-csv_duplicates = { $count ->
    [one] Zeile { $lines } sagt genau dasselbe wie eine frühere und wurde ausgelassen.
   *[other] { $count } Zeilen sagen genau dasselbe wie frühere und wurden ausgelassen: { $lines }
}

problem-name_missing = Bitte wählen Sie einen Namen.
problem-name_unusable = Ein Name hat 2 bis 64 Zeichen: Buchstaben a–z, Ziffern und . - _ @ +.
problem-email_unusable = Das ist keine E-Mail-Adresse.
problem-password_short = Das Passwort braucht mindestens 12 Zeichen.
problem-password_is_name = Das Passwort darf nicht der Name sein.
problem-password_wrong = Das ist nicht Ihr Passwort.
problem-code_wrong = Dieser Code stimmt nicht. Codes wechseln alle 30 Sekunden; bitte geben Sie den neuesten ein.
problem-webhook_unusable = Das ist nicht die Adresse eines Webhooks. Sie sieht etwa so aus: https://example.org/hook.
problem-webhook_https = Die Adresse eines Webhooks beginnt mit https://.
problem-webhook_port = Zu diesem Port darf nicht verbunden werden. Meist braucht ein Webhook keinen in seiner Adresse.
problem-notices_off = Bitte schalten Sie zuerst E-Mail ein oder tragen Sie die Adresse eines Webhooks ein.
problem-domain_unusable = Das ist nicht der Name einer Domain. Er sieht aus wie example.org.
problem-token_name_unusable = Bitte sagen Sie in höchstens 100 Zeichen, wofür das Token ist.
problem-token_scopes_missing = Bitte wählen Sie, was das Token darf.
problem-tokens_full = Es kann { $most } Tokens geben. Bitte widerrufen Sie zuerst eines.
