# Accepts one connection on descriptor 3, and becomes the program that answers it on its standard input and output.
use strict;
use warnings;
use POSIX qw(SIG_BLOCK SIG_UNBLOCK SIGTERM sigprocmask);

my $term = POSIX::SigSet->new(SIGTERM);
open(my $socket, '+<&=', 3) or die "There is no descriptor 3: $!";
my ($connection, $peer);
do {
    # TERM ends it here, and nowhere else: what it has accepted is answered.
    vec(my $ready = '', 3, 1) = 1;
    sigprocmask(SIG_UNBLOCK, $term);
    select($ready, undef, undef, undef);
    sigprocmask(SIG_BLOCK, $term);
    # The socket does not block: another worker may have been faster.
} until $peer = accept($connection, $socket);
# Signals that are blocked do not stay so in a shell; ignored ones do.
$SIG{TERM} = 'IGNORE';
open(STDIN, '<&', $connection) or die $!;
open(STDOUT, '>&', $connection) or die $!;
exec(@ARGV) or die "Cannot run $ARGV[0]: $!";
