# Runs, imports and reports.

all-mailboxes = All mailboxes
run-title = Mailimport { $n }
started = Started
remaining = Time left
remaining-unknown = not known yet
may-close = You may close this page. The mailimport goes on.
from-account = from { $name }
current-folder = Folder { $name }
saved-as = Saved as { $name }
takeovers = { $n ->
    [one] Taken over once by another worker.
   *[other] Taken over { $n } times by another worker.
}

count-mailboxes = { $n ->
    [one] { $n } mailbox: { $parts }
   *[other] { $n } mailboxes: { $parts }
}
count-done = { $n } done
count-done_with_exceptions = { $n } with exceptions
count-working = { $n } importing
count-retrying = { $n } waiting for the old server
count-paused = { $n } paused
count-waiting = { $n } waiting
count-failed = { $n } failed
count-cancelled = { $n } cancelled

cancel-run-sure = The mailimport ends. What was copied stays in the new mailboxes.
cancel-run-yes = Cancel the mailimport
cancel-import-sure = The import into { $name } ends. What was copied stays.
cancel-import-yes = Cancel this import
retry-failed = Retry failed
import-new = Import new messages
import-new-what = “Import new messages” brings what has arrived at the old provider since. Nothing is doubled.

show-label = Show
show-all = All ({ $n })
show-attention = With problems ({ $n })
show-open = Not done yet ({ $n })
show-ended = Ended ({ $n })
show-none = There are none of these.

reports = Reports
reports-run-what = One line for each mailbox, for a spreadsheet or a program. Each mailbox has its own report with every exception.
report-html = Report as a page
report-csv = Report as CSV
report-json = Report as JSON
report-title = Mailimport report: { $name }
report-verified = { $different ->
    [0] { $n } messages were compared in the new mailbox at the end; none is missing or different.
    [one] { $n } messages were compared in the new mailbox at the end; { $different } is missing or different.
   *[other] { $n } messages were compared in the new mailbox at the end; { $different } are missing or different.
}
verdict-complete-says = { $n ->
    [0] The old account holds no messages.
    [one] The message arrived.
   *[other] All { $n } messages are accounted for.
}
verdict-exceptions-says = { $n ->
    [one] Everything that can be had arrived. One exception is named below; trying again would not help.
   *[other] Everything that can be had arrived. { $n } exceptions are named below; trying again would not help.
}
verdict-incomplete-says = Not everything has arrived yet. Trying again can help; nothing is doubled.
tally-title = What became of every message
tally-listed = At the old provider
tally-imported = Imported
tally-imported-why = by this mailimport
tally-already_there = Already there
tally-already_there-why = brought by an earlier mailimport
tally-removed_by_user = Removed by you
tally-removed_by_user-why = imported earlier, then deleted or moved; not brought again
tally-skipped = Left out
tally-skipped-why = on request, or because another folder brings the same message
tally-failed = Not yet imported
tally-failed-why = the next attempt brings them
tally-unreadable = Not handed over
tally-unreadable-why = the old server refuses
tally-phantom = Not really there
tally-phantom-why = listed by the old server, but unknown to it
tally-unbalanced = These numbers do not add up. Please tell whoever runs this service.
exceptions-title = Exceptions
exceptions-more = { $n ->
    [one] { $n } more stands in the reports for download.
   *[other] { $n } more stand in the reports for download.
}
exception-message = Message { $n } of the folder
exception-folder = The whole folder
retry-helps = Trying again can help.
retry-useless = Trying again would not help.
folders-title = Folders
renamed-title = Folders with a new name
left-out-title = Folders that were left out
notes-title = Worth knowing

chart-progress = Progress
chart-progress-says = { $done } of { $total }
chart-speed = Speed
chart-speed-says = { $mean } on average, { $most } at most
chart-spark = Speed of the last minutes, up to { $name }
chart-table = The numbers as a table
chart-folders = Largest folders
chart-other-folders = { $n ->
    [one] { $n } other folder
   *[other] { $n } other folders
}

flash-run-started = { $n ->
    [one] The mailimport of { $n } mailbox has started. You may close this page.
   *[other] The mailimport of { $n } mailboxes has started. You may close this page.
}
flash-run-paused = The mailimport is paused. What was copied stays.
flash-run-resumed = The mailimport goes on.
flash-run-cancelled = The mailimport was cancelled. What was copied stays.
flash-import-paused = The import is paused. What was copied stays.
flash-import-resumed = The import goes on.
flash-import-cancelled = The import was cancelled. What was copied stays.
