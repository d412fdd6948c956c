-- What an order that failed over a fraud was suspected of is not its customer's to read; new ones are noted like this.
UPDATE order_view SET reason = 'on_hold' WHERE state = 'failed' AND reason LIKE '%taken for fraud%';
