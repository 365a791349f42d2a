# Domains, die Seite Mailimport und das Korrigieren eines Eintrags.

domains-title = Domain wählen
domains-lead = Wohin sollen die alten Nachrichten?
domains-empty = Für Sie gibt es noch keine Domain.
domains-empty-customer = Bitte lassen Sie Ihre Domain vom Betreiber dieses Dienstes hinzufügen.
domains-empty-operator = Fügen Sie eine hinzu und sagen Sie, wem sie gehört; das können auch Sie selbst sein.
domains-add = Domain hinzufügen
domain-current = { $n ->
    [one] { $n } läuft
   *[other] { $n } laufen
}
domain-prepared = { $n ->
    [one] { $n } Eintrag vorbereitet
   *[other] { $n } Einträge vorbereitet
}
domain-finished = { $n ->
    [one] { $n } Mailimport abgeschlossen
   *[other] { $n } Mailimporte abgeschlossen
}
domain-fresh = Noch nichts importiert

mailimport = Mailimport
tabs-label = Wege zum Hinzufügen
tab-single = Einzelimport
tab-csv = CSV-Import
add-to-mailimport = Zum Mailimport hinzufügen
old-account = Altes Konto
new-mailbox = Neues Postfach

hint-server = Wo die alten Nachrichten liegen. Bleibt das Feld leer und ist der Benutzername eine E-Mail-Adresse, suchen wir den Server.
hint-username = Oft die ganze E-Mail-Adresse.
hint-password-kept = Leer lassen, um das zuvor eingegebene Passwort zu behalten.
hint-mailbox = Der Teil vor dem @. Gibt es das Postfach noch nicht, wird es angelegt.
hint-mailbox-password = Für ein neues Postfach. Ein vorhandenes behält sein eigenes Passwort.
hint-mailbox-password-kept = Für ein neues Postfach. Leer lassen, um das zuvor eingegebene zu behalten.

guideline-title = Ein Postfach-Passwort hat
guideline-length = mindestens { $n } Zeichen
guideline-lowercase = einen Kleinbuchstaben a–z
guideline-uppercase = einen Großbuchstaben A–Z
guideline-digit-or-special = eine Ziffer oder eines von { $special }
guideline-met = : erledigt
guideline-unmet = : fehlt noch

csv-file = CSV-Datei
csv-file-hint = Bis 5 MiB und 10.000 Zeilen. Dateien aus Excel gehen so, wie sie sind.
csv-text = Oder Zeilen hier einfügen
csv-text-hint = Eine Zeile für jedes Konto.
csv-how = So sieht eine Zeile aus
csv-how-line = Fünf Spalten, eine Zeile für jedes Konto:
csv-columns = IMAP-Server;IMAP-Benutzername;IMAP-Passwort;Postfach;Passwort
csv-example-1 = imap.alt.example;anna@alt.example;"altes;Passwort";anna;Ein-neues-Passwort-1
csv-example-2 = ;jörg@alt.example;altes Passwort;joerg;Noch-ein-Passwort-2
csv-how-quotes = Ein Passwort, in dem ein Semikolon vorkommt, steht in Anführungszeichen.
csv-how-header = Eine erste Zeile mit den Namen der Spalten wird erkannt, ebenso Komma und Tabulator.
csv-how-server = Der IMAP-Server darf leer bleiben, wenn der Benutzername eine E-Mail-Adresse ist.
csv-example = Beispiel herunterladen
csv-example-name = mailimport-beispiel.csv

prepared = Vorbereitete Liste
prepared-short = Vorbereitet
prepared-empty = Noch ist nichts vorbereitet.
prepared-empty-how = Fügen Sie oben die alten Konten hinzu. Jede Verbindung wird sofort geprüft, damit sich Fehler hier zeigen und nicht erst beim Import.
prepared-empty-csv = Viele auf einmal per CSV hinzufügen
entry-number = Eintrag { $n }
seen-messages-in-folders = { $messages } in { $folders }
mailbox-exists = Dieses Postfach gibt es schon; es behält sein Passwort.
mailbox-created = Von diesem Import angelegt
mailbox-existed = Gab es schon; das Passwort blieb, wie es war
check-again = Noch einmal prüfen
check-again-name = { $name } noch einmal prüfen
edit-name = { $name } bearbeiten
remove-name = { $name } entfernen
remove-sure = { $name } aus der Liste entfernen?
remove-what = { $name } beim alten Anbieter bleibt unberührt. Sie können das Konto jederzeit wieder hinzufügen.
remove-yes = Entfernen
save-and-check = Speichern und prüfen
changed-meanwhile = Jemand anderes hat diesen Eintrag inzwischen geändert. Das steht jetzt darin; bitte geben Sie Ihre Korrektur noch einmal ein.

counts = { $n ->
    [0] Die Liste ist leer.
    [one] { $n } Eintrag: { $parts }
   *[other] { $n } Einträge: { $parts }
}
counts-verified = { $n } bereit
counts-need-attention = { $n } zu korrigieren
counts-pending = { $n } in Prüfung
start = Mailimport starten
start-ready = Alle Verbindungen funktionieren. Beim alten Anbieter wird nichts verändert.
start-need-attention = { $n ->
    [one] Vor dem Start muss { $n } von { $all } Einträgen korrigiert werden.
   *[other] Vor dem Start müssen { $n } von { $all } Einträgen korrigiert werden.
}
start-pending = { $n ->
    [one] { $n } von { $all } Einträgen wird noch geprüft.
   *[other] { $n } von { $all } Einträgen werden noch geprüft.
}
start-correct-first = Den ersten korrigieren
start-check-again = Fehlgeschlagene noch einmal prüfen
start-remove-failed = Einträge mit Fehlern entfernen
start-remove-failed-sure = { $n ->
    [one] { $n } Eintrag verlässt die Liste. Beim alten Anbieter bleibt alles unberührt.
   *[other] { $n } Einträge verlassen die Liste. Beim alten Anbieter bleibt alles unberührt.
}
start-remove-failed-yes = Entfernen

current = Laufende Mailimporte
current-short = Laufend
current-none = Gerade wird nichts importiert.
finished = Abgeschlossene Mailimporte
finished-short = Abgeschlossen
finished-none = Vergangene Mailimporte bleiben hier stehen, mit ihren Berichten.

flash-entry-added = { $name } wurde hinzugefügt. Die Verbindung wird geprüft.
flash-entry-added-invalid = { $name } wurde hinzugefügt, muss aber noch korrigiert werden.
flash-entry-saved = { $name } wurde gespeichert. Die Verbindung wird geprüft.
flash-entry-saved-invalid = { $name } wurde gespeichert, muss aber noch korrigiert werden.
flash-entry-removed = { $name } wurde aus der Liste entfernt.
flash-failed-removed = { $n ->
    [one] { $n } Eintrag wurde entfernt.
   *[other] { $n } Einträge wurden entfernt.
}
flash-checking-again = { $n ->
    [one] { $n } Verbindung wird noch einmal geprüft.
   *[other] { $n } Verbindungen werden noch einmal geprüft.
}
flash-csv-added = { $n ->
    [0] Es kam kein neuer Eintrag hinzu.
    [one] { $n } Eintrag wurde hinzugefügt.
   *[other] { $n } Einträge wurden hinzugefügt.
}
flash-csv-with-problems = { $n ->
    [one] { $n } davon muss korrigiert werden: siehe seine Zeile.
   *[other] { $n } davon müssen korrigiert werden: siehe ihre Zeilen.
}
flash-csv-in-list = { $n ->
    [one] { $n } Zeile wurde ausgelassen, weil genau dasselbe schon in der Liste steht.
   *[other] { $n } Zeilen wurden ausgelassen, weil genau dasselbe schon in der Liste steht.
}
