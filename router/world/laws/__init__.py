"""The laws of the house, each a named checker over the ledgers of all sites or over live floors.

A law over ledgers takes rows as they come: of the sites in any order, of one site in the
order of its seq. So the world feeds it while it plays, and the lab, the telephony tests
and the chaos tests feed it what the databases hold.
"""
