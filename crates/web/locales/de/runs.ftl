# Läufe, Importe und Berichte.

all-mailboxes = Alle Postfächer
run-title = Mailimport { $n }
started = Beginn
remaining = Restzeit
remaining-unknown = noch nicht bekannt
may-close = Sie können diese Seite schließen. Der Mailimport geht weiter.
from-account = von { $name }
current-folder = Ordner { $name }
saved-as = Gespeichert als { $name }
takeovers = { $n ->
    [one] Einmal von einem anderen Arbeitsprozess übernommen.
   *[other] { $n }-mal von einem anderen Arbeitsprozess übernommen.
}

count-mailboxes = { $n ->
    [one] { $n } Postfach: { $parts }
   *[other] { $n } Postfächer: { $parts }
}
count-done = { $n } fertig
count-done_with_exceptions = { $n } mit Ausnahmen
count-working = { $n } in Arbeit
count-retrying = { $n ->
    [one] { $n } wartet auf den alten Server
   *[other] { $n } warten auf den alten Server
}
count-paused = { $n } angehalten
count-waiting = { $n } in der Reihe
count-failed = { $n } fehlgeschlagen
count-cancelled = { $n } abgebrochen

cancel-run-sure = Der Mailimport endet. Was kopiert wurde, bleibt in den neuen Postfächern.
cancel-run-yes = Mailimport abbrechen
cancel-import-sure = Der Import nach { $name } endet. Was kopiert wurde, bleibt.
cancel-import-yes = Diesen Import abbrechen
retry-failed = Fehlgeschlagene wiederholen
import-new = Neue Nachrichten holen
import-new-what = „Neue Nachrichten holen“ bringt, was seither beim alten Anbieter angekommen ist. Nichts kommt doppelt.

show-label = Anzeigen
show-all = Alle ({ $n })
show-attention = Mit Problemen ({ $n })
show-open = Noch nicht fertig ({ $n })
show-ended = Beendet ({ $n })
show-none = Davon gibt es keine.

reports = Berichte
reports-run-what = Eine Zeile für jedes Postfach, für eine Tabelle oder ein Programm. Jedes Postfach hat seinen eigenen Bericht mit jeder Ausnahme.
report-html = Bericht als Seite
report-csv = Bericht als CSV
report-json = Bericht als JSON
report-title = Bericht zum Mailimport: { $name }
report-verified = { $different ->
    [0] { $n } Nachrichten wurden am Ende im neuen Postfach verglichen; keine fehlt oder weicht ab.
    [one] { $n } Nachrichten wurden am Ende im neuen Postfach verglichen; { $different } fehlt oder weicht ab.
   *[other] { $n } Nachrichten wurden am Ende im neuen Postfach verglichen; { $different } fehlen oder weichen ab.
}
verdict-complete-says = { $n ->
    [0] Das alte Konto enthält keine Nachrichten.
    [one] Die Nachricht ist angekommen.
   *[other] Über alle { $n } Nachrichten ist Rechenschaft abgelegt.
}
verdict-exceptions-says = { $n ->
    [one] Alles, was zu bekommen war, ist angekommen. Eine Ausnahme steht unten; ein neuer Versuch würde nicht helfen.
   *[other] Alles, was zu bekommen war, ist angekommen. { $n } Ausnahmen stehen unten; ein neuer Versuch würde nicht helfen.
}
verdict-incomplete-says = Noch ist nicht alles angekommen. Ein neuer Versuch kann helfen; nichts kommt doppelt.
tally-title = Was aus jeder Nachricht wurde
tally-listed = Beim alten Anbieter
tally-imported = Importiert
tally-imported-why = durch diesen Mailimport
tally-already_there = Schon vorhanden
tally-already_there-why = durch einen früheren Mailimport
tally-removed_by_user = Von Ihnen entfernt
tally-removed_by_user-why = früher importiert, dann gelöscht oder verschoben; kommt nicht noch einmal
tally-skipped = Ausgelassen
tally-skipped-why = auf Wunsch, oder weil ein anderer Ordner dieselbe Nachricht bringt
tally-failed = Noch nicht importiert
tally-failed-why = der nächste Versuch holt sie
tally-unreadable = Nicht herausgegeben
tally-unreadable-why = der alte Server weigert sich
tally-phantom = Nicht wirklich vorhanden
tally-phantom-why = vom alten Server aufgelistet, ihm aber unbekannt
tally-unbalanced = Diese Zahlen gehen nicht auf. Bitte sagen Sie dem Betreiber dieses Dienstes Bescheid.
exceptions-title = Ausnahmen
exceptions-more = { $n ->
    [one] { $n } weitere steht in den Berichten zum Herunterladen.
   *[other] { $n } weitere stehen in den Berichten zum Herunterladen.
}
exception-message = Nachricht { $n } des Ordners
exception-folder = Der ganze Ordner
retry-helps = Ein neuer Versuch kann helfen.
retry-useless = Ein neuer Versuch würde nicht helfen.
folders-title = Ordner
renamed-title = Ordner mit neuem Namen
left-out-title = Ausgelassene Ordner
notes-title = Wissenswertes

chart-progress = Fortschritt
chart-progress-says = { $done } von { $total }
chart-speed = Tempo
chart-speed-says = im Mittel { $mean }, höchstens { $most }
chart-spark = Tempo der letzten Minuten, bis { $name }
chart-table = Die Zahlen als Tabelle
chart-folders = Größte Ordner
chart-other-folders = { $n ->
    [one] { $n } weiterer Ordner
   *[other] { $n } weitere Ordner
}

flash-run-started = { $n ->
    [one] Der Mailimport von { $n } Postfach hat begonnen. Sie können diese Seite schließen.
   *[other] Der Mailimport von { $n } Postfächern hat begonnen. Sie können diese Seite schließen.
}
flash-run-paused = Der Mailimport ist angehalten. Was kopiert wurde, bleibt.
flash-run-resumed = Der Mailimport geht weiter.
flash-run-cancelled = Der Mailimport wurde abgebrochen. Was kopiert wurde, bleibt.
flash-import-paused = Der Import ist angehalten. Was kopiert wurde, bleibt.
flash-import-resumed = Der Import geht weiter.
flash-import-cancelled = Der Import wurde abgebrochen. Was kopiert wurde, bleibt.
