# Furnishes the world of tests/docs, in its namespace: CORE and PROGRAM are of a crash,
# PUT writes variants of a snapshot. Ids are those of the pages.

useradd --system --no-create-home coresnap
useradd --system --no-create-home coroner
mkdir -p /root /srv/work /srv/cores /srv/symbols /var/crash /var/lib/systemd/coredump /backup \
	/var/lib/prometheus/node-exporter /var/faults /srv/faults /etc/coresnap /usr/local/etc
cd /srv/work

# --- what people have at hand ---------------------------------------------------
mkdir build snapshots
cp "$PROGRAM" simple
cp "$PROGRAM" build/server
cp "$REPOSITORY/tests/cores/simple.c" .
cc -shared -fPIC -g -o build/plugin.so -xc /dev/null
for name in core core.1234 core.4242; do
	cp --sparse=always "$CORE" $name
done
cp --sparse=always "$CORE" /srv/cores/core.1
cp --sparse=always "$CORE" /var/lib/systemd/coredump/core.1
coresnap analyze core -o fault.csnap >/dev/null
cp fault.csnap worker.csnap
cp fault.csnap snapshots/1.csnap
cp fault.csnap snapshots/2.csnap
echo 'connection lost' >server.log
echo 'correct horse battery staple' >password
echo 'https://hooks.example.org/crashes' >hook.url
echo "whsec_$(openssl rand -base64 32)" >hook.secret
echo 'a token' >jira.token
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=ours \
	-addext keyUsage=critical,digitalSignature,keyCertSign -keyout ca-key.pem -out ca.pem 2>&1
cat >house.conf <<EOF
[rule logging]
function = ^log_(fatal|write)
ignore = yes
EOF
cp house.conf our-rules.conf
cp house.conf merged.conf
cat >/etc/coresnap/coresnap.conf <<EOF
[daemon]
purge.core = never
EOF
cp /etc/coresnap/coresnap.conf test.conf
sed -n '/^def queues/,/^```/p' "$REPOSITORY/docs/plugins.md" | grep -v '```' >mailer_crashes.py
cat >geometry_printers.py <<EOF
def point(type):
    return None
EOF

# --- a machine ------------------------------------------------------------------
for name in . archive journal cache debuginfod; do
	install -d -m 750 -o coresnap -g coresnap /var/coresnap/$name
done
for stage in pending assets sending; do
	install -d -m 750 -o coresnap -g coresnap /var/coresnap/archive/$stage
done
coresnap import core
archive=/var/coresnap/archive
id=$(ls $archive/pending)
for wanted in 4f1c0d5e 815cc75a c2f56d22 2d022186; do
	object=$(printf %s-0000-4000-8000-000000000000 $wanted | tr -d -)
	cp -p --sparse=always $archive/pending/"$id" $archive/pending/"$object"
	cp -p $archive/assets/"$id" $archive/assets/"$object"
	coresnap retry pending/"$object"
done
rm $archive/pending/"$id" $archive/assets/"$id"

install -d -m 755 /etc/coroner
cat >/etc/coroner/coronerd.conf <<EOF
[server]
data = /var/coroner
universe = backtrace
projects = blackhole
EOF

# --- a store --------------------------------------------------------------------
coroner serve --data store --universe backtrace --project blackhole >serve.log 2>&1 &
server=$!
while ! grep -q 'listens on' serve.log; do
	kill -0 $server
	sleep 0.05
done
sed 's/^\(admin = \)\(.*\)/\1\2\nblackhole = \2\nci = \2/' store/coroner.cf >/root/.coroner.cf
cat >>/root/.coroner.cf <<EOF
[daemon]
blackhole.root = /srv/faults
blackhole.token = admin
[default]
project.token = admin
retention.token = admin
status.token = admin
summary.token = admin
token.token = admin
user.token = admin
EOF
cp /root/.coroner.cf /etc/coroner.cf
cp /root/.coroner.cf /usr/local/etc/coroner.cf
cp fault.csnap /var/faults/
cp fault.csnap /srv/faults/
mkdir variants
$PUT fault.csnap variants
coroner put blackhole admin variants/*.csnap >/dev/null
rm -r variants
coroner user create ann --password-file password
chmod 600 /root/.coroner.cf
kill $server
wait $server
cp -a store /var/coroner
chown -R coroner:coroner /var/coroner
