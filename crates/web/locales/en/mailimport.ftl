# Domains, the page Mailimport, and correcting an entry.

domains-title = Choose a domain
domains-lead = Where should the old mail go?
domains-empty = There is no domain for you yet.
domains-empty-customer = Please ask whoever runs this service to add your domain.
domains-empty-operator = Add one and say who owns it; it can be yourself.
domains-add = Add a domain
domain-current = { $n ->
    [one] { $n } running
   *[other] { $n } running
}
domain-prepared = { $n ->
    [one] { $n } entry prepared
   *[other] { $n } entries prepared
}
domain-finished = { $n ->
    [one] { $n } mailimport finished
   *[other] { $n } mailimports finished
}
domain-fresh = Nothing imported yet

mailimport = Mailimport
tabs-label = Ways to add
tab-single = Single import
tab-csv = CSV import
add-to-mailimport = Add to mailimport
old-account = Old account
new-mailbox = New mailbox

hint-server = Where the old mail is. Leave it empty when the username is an e-mail address, and we look for it.
hint-username = Often the whole e-mail address.
hint-password-kept = Leave it empty to keep the password that you entered before.
hint-mailbox = The part before the @. The mailbox is created if it does not exist.
hint-mailbox-password = For a new mailbox. One that exists keeps its own password.
hint-mailbox-password-kept = For a new mailbox. Leave it empty to keep what you entered before.

guideline-title = A mailbox password has
guideline-length = at least { $n } characters
guideline-lowercase = a lowercase letter a–z
guideline-uppercase = an uppercase letter A–Z
guideline-digit-or-special = a digit or one of { $special }
guideline-met = : done
guideline-unmet = : still missing

csv-file = CSV file
csv-file-hint = Up to 5 MiB and 10,000 lines. Files from Excel work as they are.
csv-text = Or paste lines here
csv-text-hint = One line for each account.
csv-how = How a line looks
csv-how-line = Five columns, one line for each account:
csv-columns = IMAP server;IMAP username;IMAP password;Mailbox;Password
csv-example-1 = imap.old.example;anna@old.example;"her;password";anna;A-new-Password-1
csv-example-2 = ;ben@old.example;his password;ben;Another-Password-2
csv-how-quotes = A password that contains a semicolon stands in quotation marks.
csv-how-header = A first line with the names of the columns is understood, and so are commas and tabs.
csv-how-server = The IMAP server may stay empty where the username is an e-mail address.
csv-example = Download an example
csv-example-name = mailimport-example.csv

prepared = Prepared list
prepared-short = Prepared
prepared-empty = Nothing is prepared yet.
prepared-empty-how = Add the old accounts above. Each connection is checked at once, so that errors show here and not during the import.
prepared-empty-csv = Add many at once by CSV
entry-number = Entry { $n }
seen-messages-in-folders = { $messages } in { $folders }
mailbox-exists = This mailbox exists already and keeps its password.
mailbox-created = Created by this import
mailbox-existed = Existed before; its password stayed as it was
check-again = Check again
check-again-name = Check { $name } again
edit-name = Edit { $name }
remove-name = Remove { $name }
remove-sure = Remove { $name } from the list?
remove-what = { $name } at the old provider is not touched. You can add the account again at any time.
remove-yes = Remove
save-and-check = Save and check
changed-meanwhile = Somebody else changed this entry meanwhile. This is what it holds now; please enter your correction again.

counts = { $n ->
    [0] The list is empty.
    [one] { $n } entry: { $parts }
   *[other] { $n } entries: { $parts }
}
counts-verified = { $n } ready
counts-need-attention = { $n ->
    [one] { $n } needs attention
   *[other] { $n } need attention
}
counts-pending = { $n } being checked
start = Start mailimport
start-ready = All connections work. Nothing is changed at the old provider.
start-need-attention = { $n ->
    [one] { $n } of { $all } entries needs attention before you can start.
   *[other] { $n } of { $all } entries need attention before you can start.
}
start-pending = { $n ->
    [one] { $n } of { $all } entries is still being checked.
   *[other] { $n } of { $all } entries are still being checked.
}
start-correct-first = Correct the first one
start-check-again = Check failed ones again
start-remove-failed = Remove entries with errors
start-remove-failed-sure = { $n ->
    [one] { $n } entry leaves the list. Nothing is touched at the old provider.
   *[other] { $n } entries leave the list. Nothing is touched at the old provider.
}
start-remove-failed-yes = Remove them

current = Current mailimports
current-short = Running
current-none = Nothing is being imported right now.
finished = Finished mailimports
finished-short = Finished
finished-none = Past mailimports stay here, with their reports.

flash-entry-added = { $name } was added. The connection is being checked.
flash-entry-added-invalid = { $name } was added, but something has to be corrected first.
flash-entry-saved = { $name } was saved. The connection is being checked.
flash-entry-saved-invalid = { $name } was saved, but something has to be corrected first.
flash-entry-removed = { $name } was removed from the list.
flash-failed-removed = { $n ->
    [one] { $n } entry was removed.
   *[other] { $n } entries were removed.
}
flash-checking-again = { $n ->
    [one] { $n } connection is being checked again.
   *[other] { $n } connections are being checked again.
}
flash-csv-added = { $n ->
    [0] No new entry was added.
    [one] { $n } entry was added.
   *[other] { $n } entries were added.
}
flash-csv-with-problems = { $n ->
    [one] { $n } of them has to be corrected: see its row.
   *[other] { $n } of them have to be corrected: see their rows.
}
flash-csv-in-list = { $n ->
    [one] { $n } row was left out because the list has exactly the same.
   *[other] { $n } rows were left out because the list has exactly the same.
}
