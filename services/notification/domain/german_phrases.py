"""German sentences that several mails share."""

LASTS = "noch {level} vorhanden; bei einem Tagesverbrauch von {rate} reicht das bis etwa {run_out}"
RUNNING_LOW = ("Ihr Vorrat an {product} wird knapp: " + LASTS + ".", "Ihr Vorrat an {product} wird knapp.")
RETRY = "Wir versuchen es in einem Tag erneut, danach in größeren Abständen. Ihre Bestellungen: {page}"
RETRY_ELSEWHERE = (
    "Kann einer Ihrer Ersatzanbieter liefern, bestellen wir sofort dort. "
    "Andernfalls versuchen wir es in einem Tag erneut, danach in größeren Abständen. Ihre Bestellungen: {page}"
)
CHECK_PAYMENT = (
    "Bitte prüfen Sie Ihre Zahlungsart. Eine Bestellung bei einem anderen Anbieter würde das Problem nicht lösen.",
)
NOTHING_TO_DO = ("Das liegt nicht an Ihrer Zahlungsart, und Sie müssen nichts tun. Ihnen wurde nichts berechnet.",)
CHECK_ADDRESS = (
    "Bitte prüfen Sie Ihre Lieferadresse. Eine Bestellung bei einem anderen Anbieter würde das Problem nicht lösen.",
)
ON_HOLD = ("Weitere Bestellungen dieses Produkts sind zurückgestellt, bis wir den Vorgang geprüft haben.",)
ON_HOLD_SEVERAL = ("Weitere Bestellungen dieser Produkte sind zurückgestellt, bis wir den Vorgang geprüft haben.",)
CONTACT_US = ("Wenn Sie Fragen haben, antworten Sie bitte auf diese E-Mail. Ihre Bestellungen: {page}",)
FAILED = (
    "Ihre Bestellung von {product} konnte nicht ausgeführt werden. Grund: {why}.",
    "Ihre Bestellung von {product} konnte nicht ausgeführt werden.",
)
FAILED_SUBJECT = "Bestellung nicht ausgeführt: {product}"
CANCELLED_SUBJECT = "Bestellung storniert: {product}"
EXPECTED = "Voraussichtliche Lieferung: {expected}"
SHOP_LINKS = (
    ("Bestellung annehmen: {acknowledge}",),
    ("Als versandt oder abholbereit melden: {ship}",),
    ("Bestellung ablehnen: {refuse}",),
)
CART_LINKS = (
    ("Ich habe bestellt: {ordered}",),
    ("Ich habe noch nicht bestellt: {not_yet}",),
    ("Ich möchte nicht bestellen: {no}",),
)
STILL_TO_COME = ("Noch ausstehend:{rest}", "{more}Der Rest Ihrer Bestellung folgt.")
ORDER_LIST = ("Diese Bestellung umfasst:{lines}",)
FEE = ("Versandkosten: {fee}",)
TOTAL = ("Gesamtbetrag: {total}",)
CLAIM_NEXT = ("Wir klären das mit dem Anbieter. Falls doch alles angekommen ist, teilen Sie uns das bitte mit: {page}",)
