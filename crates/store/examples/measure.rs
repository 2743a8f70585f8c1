use iamd_store::*; use std::{sync::Arc, time::Instant, ops::ControlFlow};
struct Count(usize, usize);
impl RowVisitor for Count { fn account(&mut self,_:AccountId,_:Revision)->ControlFlow<()>{ControlFlow::Continue(())}
 fn row(&mut self,r:RowRef<'_>)->ControlFlow<()>{self.0+=1;self.1+=r.bytes.len();ControlFlow::Continue(())}}
fn rss()->String{ std::fs::read_to_string("/proc/self/status").unwrap().lines().find(|l|l.starts_with("VmHWM")).unwrap().to_owned()}
#[tokio::main]
async fn main(){
 let dir=std::env::args().nth(1).unwrap();
 let t=Instant::now(); let s=Arc::new(Sqlite::open(&dir).unwrap()); println!("open {:?} {}",t.elapsed(),rss());
 // F
 { use std::io::Write; let mut f=std::fs::File::create(format!("{dir}/x")).unwrap(); let mut v=vec![]; for _ in 0..200{let t=Instant::now(); f.write_all(&[1;4096]).unwrap(); f.sync_data().unwrap(); v.push(t.elapsed());} v.sort(); println!("F p50 {:?}",v[100]); std::fs::remove_file(format!("{dir}/x")).unwrap(); }
 let mut v=vec![]; for i in 0..300u64 { let t=Instant::now(); s.commit(vec![AccountCommit{account:AccountId(1),expected:Revision(i),puts:vec![Row::new(RowKey::new(1,format!("u{i}")),vec![3;300])],removes:vec![]}]).await.unwrap(); v.push(t.elapsed()); } v.sort(); println!("1 client p50 {:?}",v[150]);
 let t=Instant::now(); let h:Vec<_>=(0..64u64).map(|w|{let s=s.clone(); tokio::spawn(async move{ for i in 0..100 { s.commit(vec![AccountCommit{account:AccountId(100+w),expected:Revision(i),puts:vec![Row::new(RowKey::new(1,format!("u{i}")),vec![3;300])],removes:vec![]}]).await.unwrap(); } })}).collect(); for h in h {h.await.unwrap();} println!("64 writers {:.0}/s",6400.0/t.elapsed().as_secs_f64());
 let t=Instant::now(); for c in 0..200u64 { s.commit(vec![AccountCommit{account:AccountId(5000+c),expected:Revision(0),puts:(0..5000).map(|i|Row::new(RowKey::new(1,format!("AIDA{:016}",c*5000+i)),vec![3;250])).collect(),removes:vec![]}]).await.unwrap(); } println!("fill 1M {:?} {}",t.elapsed(),rss());
 s.close().await.unwrap(); drop(s);
 let t=Instant::now(); let s=Sqlite::open(&dir).unwrap(); println!("open {:?}",t.elapsed());
 for _ in 0..2 {let t=Instant::now(); let mut c=Count(0,0); s.load_all(&mut c).await.unwrap(); println!("load {} rows {} B {:?} {}",c.0,c.1,t.elapsed(),rss());}
 drop(s);
 let t=Instant::now(); let c=rusqlite::Connection::open(format!("{dir}/store.sqlite3")).unwrap(); let mut st=c.prepare("SELECT account,kind,id,bytes FROM rows").unwrap(); let mut r=st.query([]).unwrap(); let mut n=0; while let Some(x)=r.next().unwrap(){ n+=x.get_ref(3).unwrap().as_blob().unwrap().len()+x.get_ref(2).unwrap().as_str().unwrap().len(); } println!("bare scan {n} {:?}",t.elapsed());
}
