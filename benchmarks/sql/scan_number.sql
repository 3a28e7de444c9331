-- What finding a number costs without anything that knows where it is.
SELECT sum(sign)
FROM cdr
WHERE number = {number:String} OR dialed = {number:String} OR cli = {number:String} OR dest_cli = {number:String}
