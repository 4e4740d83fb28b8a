// Pokes the daemon. Only a hint: the daemon looks into the spool by itself, too.
#pragma once

// Send one datagram without a line break; never wait, never fail.
__attribute__((format(printf, 2, 3))) void notify(const char *socket, const char *format,
						  ...);
