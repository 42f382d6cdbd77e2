"""How tools speak: a report or a log in, findings out. Pure, one file each; what strangers write never raises here."""
