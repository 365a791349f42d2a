# What stands on every page, and the small words.

skip-to-content = Skip to the content
nav-label = Main
nav-domains = Domains
nav-customers = Customers
nav-all-domains = All domains
nav-audit = Audit log
nav-account = Account
sign-out = Sign out
footer-language = Language
footer-theme = Appearance
footer-api = API
theme-system = As the device
theme-light = Light
theme-dark = Dark
language-browser = As the browser

save = Save
back = Back
cancel = Cancel…
pause = Pause
resume = Resume
edit = Edit
remove = Remove
keep = Keep it
never = never
copy = Copy
copied = Copied
go-back = Back
go-start = To the start page
new-window = (opens in a new window)
progress = Progress
progress-of = Progress of { $name }
overview = Overview
error-summary = Please correct this first
password-show = Show
password-hide = Hide
technical-detail = Technical detail
look-again = Look again
look-again-hint = This page does not renew itself without JavaScript.

pager-label = Pages
pager = { $from }–{ $to }
pager-of = { $from }–{ $to } of { $n }
pager-previous = Previous
pager-next = Next

column-number = No.
column-state = State
column-actions = Actions
column-result = Result
column-mailboxes = Mailboxes
column-messages = Messages
column-message = Message
column-size = Size
column-took = Duration
column-time = Time
column-speed = Speed
column-folder = Folder
column-reason = Reason
column-missing = Missing
column-customer = Customer
column-domain = Domain
column-who = Who
column-action = What
column-from = From

month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = Jun
month-7 = Jul
month-8 = Aug
month-9 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec

messages = { $n ->
    [one] { $n } message
   *[other] { $n } messages
}
folders = { $n ->
    [one] { $n } folder
   *[other] { $n } folders
}
days = { $n ->
    [one] { $n } day
   *[other] { $n } days
}
messages-of = { $done } of { $n }
octets-of = { $done } of { $total }

estimate-moment = less than a minute
estimate-minutes = { $n ->
    [one] about a minute
   *[other] about { $n } minutes
}
estimate-minutes-range = about { $low }–{ $n } minutes
estimate-hours = { $n ->
    [one] about an hour
   *[other] about { $n } hours
}
estimate-hours-range = about { $low }–{ $n } hours
estimate-days = { $n ->
    [one] about a day
   *[other] about { $n } days
}
estimate-days-range = about { $low }–{ $n } days
time-left = { $name } left

# Pages for what cannot be shown or done.

fault-bad-request = We did not understand that
fault-bad-request-why = Something in the address or the form is not as expected. Please go back and try again.
fault-forbidden = You may not do this
fault-forbidden-why = Your sign-in does not allow it. Please ask whoever runs this service.
fault-form-expired = This form is too old
fault-form-expired-why = For your safety it was not carried out. Please go back, reload the page and try again.
fault-not-found = There is nothing here
fault-not-found-why = The page does not exist, was removed, or belongs to somebody else. Please check the address.
fault-conflict = This is not possible right now
fault-too-large = This is too large
fault-too-large-why = A CSV file may have 5 MiB and 10,000 rows. Please split it, and add one part after the other.
fault-too-many = Please wait a moment
too-many-seconds = { $n ->
    [one] Too many attempts. Please try again in { $n } second.
   *[other] Too many attempts. Please try again in { $n } seconds.
}
fault-internal = Something went wrong on our side
fault-internal-why = Nothing is lost, and mailimports that are running go on. Please try again; if it happens again, tell whoever runs this service.
fault-reference = Reference: { $name }
fault-unavailable = Not reachable for a moment
fault-unavailable-why = The service is restarting. Mailimports go on afterwards where they stopped. Please try again in a minute.

conflict-empty = There is nothing to import yet. Please add entries first.
conflict-not-ready = { $n ->
    [one] { $n } of { $all } entries is not checked or needs attention. The mailimport starts when all are ready.
   *[other] { $n } of { $all } entries are not checked or need attention. The mailimport starts when all are ready.
}
conflict-changed = Somebody changed this meanwhile. Please look at it again.
conflict-ended = This has ended already.
conflict-still-working = This is still working. Please wait until it has ended.
conflict-nothing-to-retry = Nothing failed that could be tried again.
conflict-secrets-erased = The passwords of this mailimport have been erased for safety. Please add the accounts again.
conflict-name-taken = This name is taken. Please choose another one.
conflict-domain-busy = A mailimport of this domain is still working. Please wait until it has ended, or cancel it.
