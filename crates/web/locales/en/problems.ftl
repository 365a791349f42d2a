# What a person typed that cannot be used as it is: the sentence of each problem, by its code.

field-server = IMAP server
field-username = IMAP username
field-password = IMAP password
field-mailbox = Mailbox
field-mailbox_password = Mailbox password

problem-server_missing = Please enter the IMAP server. It is found by itself only where the username is an e-mail address.
problem-server_scheme = This is not the address of a mail server. It looks like imap.example.org, without https:// or the like.
problem-server_userinfo = Only the server belongs here; username and password have their own fields.
problem-server_path = Please enter the server only, without anything behind a slash.
problem-server_space = The name of a server contains no spaces.
problem-server_host = This is not the name of a server. It looks like imap.example.org.
problem-server_brackets = An IPv6 address stands in brackets, as in [2001:db8::1] or [2001:db8::1]:993.
problem-server_port = The port behind the colon is a number from 1 to 65535.
problem-username_missing = Please enter the username at the old provider.
problem-username_characters = The username contains a character that cannot be sent.
problem-username_long = The username is too long.
problem-password_missing = Please enter the password at the old provider.
problem-password_characters = The IMAP password contains a line break or another character that cannot be sent.
problem-password_long = The IMAP password has more than { $limit } characters.
problem-mailbox_missing = Please enter the mailbox: the part before the @.
problem-mailbox_other_domain = The mailbox belongs to another domain than { $domain }.
problem-mailbox_long = The part before the @ has at most 64 characters.
problem-mailbox_characters = The part before the @ may hold letters a–z, digits and . - _ +, and no dot at its edges or beside another.
problem-mailbox_dots = The part before the @ may not begin or end with a dot, nor have two in a row.
problem-mailbox_password_short = The mailbox password needs at least 12 characters.
problem-mailbox_password_lowercase = The mailbox password needs a lowercase letter a–z.
problem-mailbox_password_uppercase = The mailbox password needs an uppercase letter A–Z.
problem-mailbox_password_digit_or_special = The mailbox password needs a digit or one of !$%()=?+#-.,;:~*@[]_
problem-mailbox_password_characters = The mailbox password contains a line break or another character that cannot be sent.
problem-mailbox_password_long = The mailbox password has more than { $limit } characters.
problem-mailbox_password_unusable = The new mailbox cannot keep this password. Please choose another one.
problem-mailbox_password_conflict = This mailbox was given different passwords. A new mailbox has one; please choose it.
problem-mailbox_shared = Several accounts go into this mailbox, one after the other.
problem-spreadsheet_damage = A spreadsheet has changed this value, for example into 1,23E+15. Please enter it again.
problem-entry_empty = Please fill in the fields first.
problem-entry_duplicate = Exactly this entry is in the list already.
problem-list_full = The list can hold { $most } entries. Please start it or remove some first.

problem-csv_line = Line { $line } of the file
problem-csv_missing = Please choose a CSV file or paste some lines.
problem-csv_too_large = The file is larger than { $limit }. Please split it, and add one part after the other.
problem-csv_too_many_rows = The file has more than { $limit } rows. Please split it, and add one part after the other.
problem-csv_empty = There is no line with an account in it.
problem-csv_columns = Line { $line } has { $found } fields instead of { $expected }. A password that contains the delimiter stands in quotation marks.
problem-csv_column_ignored = These columns are not needed and were not read: { $columns }
problem-csv_column_twice = Two columns of the first line mean the same: { $column }
problem-csv_column_missing = The first line lacks these columns: { $columns }
problem-csv_separator = The first line, sep=, names no delimiter that can be used.
problem-csv_not_text = This is not a CSV file. In Excel, choose “Save as” and then “CSV UTF-8”.
problem-csv_encoding = The file claims to be { $encoding } but is not. Please save it as CSV UTF-8.
problem-csv_encoding_guessed = The file does not say how letters such as ü are written. Please compare names and passwords with such letters.
problem-csv_quote_unclosed = A quotation mark that opens on line { $line } is not closed. Inside quotation marks, a quotation mark is written twice.
problem-csv_quote_text = On line { $line } something follows a closing quotation mark. Inside quotation marks, a quotation mark is written twice.
problem-csv_duplicates = { $count ->
    [one] Line { $lines } says exactly the same as an earlier one and was left out.
   *[other] { $count } lines say exactly the same as earlier ones and were left out: { $lines }
}

problem-name_missing = Please choose a name.
problem-name_unusable = A name has 2 to 64 characters: letters a–z, digits and . - _ @ +.
problem-email_unusable = This is not an e-mail address.
problem-password_short = The password needs at least 12 characters.
problem-password_is_name = The password must not be the name.
problem-password_wrong = This is not your password.
problem-code_wrong = This code is not right. Codes change every 30 seconds; please enter the newest.
problem-webhook_unusable = This is not the address of a webhook. It looks like https://example.org/hook.
problem-webhook_https = The address of a webhook begins with https://.
problem-webhook_port = This port may not be connected to. Usually a webhook needs none in its address.
problem-notices_off = Please switch on e-mail or enter the address of a webhook first.
problem-domain_unusable = This is not the name of a domain. It looks like example.org.
problem-token_name_unusable = Please say in up to 100 characters what the token is for.
problem-token_scopes_missing = Please choose what the token may do.
problem-tokens_full = There can be { $most } tokens. Please revoke one first.
