# Was auf jeder Seite steht, und die kleinen Wörter.

skip-to-content = Zum Inhalt springen
nav-label = Hauptmenü
nav-domains = Domains
nav-customers = Kunden
nav-all-domains = Alle Domains
nav-audit = Protokoll
nav-account = Konto
sign-out = Abmelden
footer-language = Sprache
footer-theme = Darstellung
footer-api = API
theme-system = Wie das Gerät
theme-light = Hell
theme-dark = Dunkel
language-browser = Wie der Browser

save = Speichern
back = Zurück
cancel = Abbrechen…
pause = Anhalten
resume = Fortsetzen
edit = Bearbeiten
remove = Entfernen
keep = Behalten
never = nie
copy = Kopieren
copied = Kopiert
go-back = Zurück
go-start = Zur Startseite
new-window = (öffnet ein neues Fenster)
progress = Fortschritt
progress-of = Fortschritt von { $name }
overview = Überblick
error-summary = Bitte zuerst korrigieren
password-show = Zeigen
password-hide = Verbergen
technical-detail = Technische Einzelheiten
look-again = Neu laden
look-again-hint = Ohne JavaScript erneuert sich diese Seite nicht von selbst.

pager-label = Seiten
pager = { $from }–{ $to }
pager-of = { $from }–{ $to } von { $n }
pager-previous = Zurück
pager-next = Weiter

column-number = Nr.
column-state = Stand
column-actions = Aktionen
column-result = Ergebnis
column-mailboxes = Postfächer
column-messages = Nachrichten
column-message = Nachricht
column-size = Größe
column-took = Dauer
column-time = Zeit
column-speed = Tempo
column-folder = Ordner
column-reason = Grund
column-missing = Fehlen
column-customer = Kunde
column-domain = Domain
column-who = Wer
column-action = Was
column-from = Von

month-1 = Jan.
month-2 = Feb.
month-3 = März
month-4 = April
month-5 = Mai
month-6 = Juni
month-7 = Juli
month-8 = Aug.
month-9 = Sept.
month-10 = Okt.
month-11 = Nov.
month-12 = Dez.

messages = { $n ->
    [one] { $n } Nachricht
   *[other] { $n } Nachrichten
}
folders = { $n ->
    [one] { $n } Ordner
   *[other] { $n } Ordnern
}
days = { $n ->
    [one] { $n } Tag
   *[other] { $n } Tage
}
messages-of = { $done } von { $n }
octets-of = { $done } von { $total }

estimate-moment = weniger als eine Minute
estimate-minutes = { $n ->
    [one] etwa eine Minute
   *[other] etwa { $n } Minuten
}
estimate-minutes-range = etwa { $low }–{ $n } Minuten
estimate-hours = { $n ->
    [one] etwa eine Stunde
   *[other] etwa { $n } Stunden
}
estimate-hours-range = etwa { $low }–{ $n } Stunden
estimate-days = { $n ->
    [one] etwa einen Tag
   *[other] etwa { $n } Tage
}
estimate-days-range = etwa { $low }–{ $n } Tage
time-left = noch { $name }

# Seiten für das, was nicht gezeigt oder getan werden kann.

fault-bad-request = Das haben wir nicht verstanden
fault-bad-request-why = Etwas in der Adresse oder im Formular ist anders als erwartet. Bitte gehen Sie zurück und versuchen Sie es noch einmal.
fault-forbidden = Das dürfen Sie nicht
fault-forbidden-why = Ihre Anmeldung erlaubt es nicht. Bitte wenden Sie sich an den Betreiber dieses Dienstes.
fault-form-expired = Dieses Formular ist zu alt
fault-form-expired-why = Zu Ihrer Sicherheit wurde es nicht ausgeführt. Bitte gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal.
fault-not-found = Hier ist nichts
fault-not-found-why = Die Seite gibt es nicht, sie wurde entfernt oder gehört jemand anderem. Bitte prüfen Sie die Adresse.
fault-conflict = Das geht gerade nicht
fault-too-large = Das ist zu groß
fault-too-large-why = Eine CSV-Datei darf 5 MiB und 10.000 Zeilen haben. Bitte teilen Sie sie und fügen Sie die Teile nacheinander hinzu.
fault-too-many = Einen Moment bitte
too-many-seconds = { $n ->
    [one] Zu viele Versuche. Bitte versuchen Sie es in { $n } Sekunde wieder.
   *[other] Zu viele Versuche. Bitte versuchen Sie es in { $n } Sekunden wieder.
}
fault-internal = Bei uns ist etwas schiefgegangen
fault-internal-why = Nichts ist verloren, und laufende Mailimporte gehen weiter. Bitte versuchen Sie es noch einmal; wenn es wieder geschieht, sagen Sie dem Betreiber dieses Dienstes Bescheid.
fault-reference = Kennung: { $name }
fault-unavailable = Gerade nicht erreichbar
fault-unavailable-why = Der Dienst startet neu. Mailimporte gehen danach dort weiter, wo sie aufgehört haben. Bitte versuchen Sie es in einer Minute wieder.

conflict-empty = Es gibt noch nichts zu importieren. Bitte fügen Sie zuerst Einträge hinzu.
conflict-not-ready = { $n ->
    [one] { $n } von { $all } Einträgen ist nicht geprüft oder muss korrigiert werden. Der Mailimport startet, wenn alle bereit sind.
   *[other] { $n } von { $all } Einträgen sind nicht geprüft oder müssen korrigiert werden. Der Mailimport startet, wenn alle bereit sind.
}
conflict-changed = Jemand hat das inzwischen geändert. Bitte sehen Sie es sich noch einmal an.
conflict-ended = Das ist schon zu Ende.
conflict-still-working = Das läuft noch. Bitte warten Sie, bis es zu Ende ist.
conflict-nothing-to-retry = Es ist nichts fehlgeschlagen, das man noch einmal versuchen könnte.
conflict-secrets-erased = Die Passwörter dieses Mailimports wurden zur Sicherheit gelöscht. Bitte fügen Sie die Konten noch einmal hinzu.
conflict-name-taken = Diesen Namen gibt es schon. Bitte wählen Sie einen anderen.
conflict-domain-busy = Ein Mailimport dieser Domain läuft noch. Bitte warten Sie, bis er zu Ende ist, oder brechen Sie ihn ab.
