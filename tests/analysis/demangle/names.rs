use std::collections::HashMap; use std::fmt; use std::sync::Arc;
trait Shape { fn area(&self)->f64; fn name(&self)->String {String::from("s")} }
struct Sq<const N: usize>(f64); struct Wrap<T>{v:Vec<T>}
impl<const N: usize> Shape for Sq<N> { fn area(&self)->f64 { self.0*N as f64 } }
impl<T: fmt::Debug+Clone> Wrap<T> { fn each<F: FnMut(&T)->bool>(&self, mut f:F)->usize { self.v.iter().filter(|x| f(x)).count() } }
impl<T: fmt::Debug> fmt::Debug for Wrap<T> { fn fmt(&self,f:&mut fmt::Formatter<'_>)->fmt::Result { write!(f,"{:?}",self.v) } }
fn generic<const C: char, const B: bool, const I: i8>()->String { format!("{}{}{}",C,B,I) }
fn ptr(f: unsafe extern "C" fn(*const u8, &mut [i32;4])->i32, g: &dyn for<'a> Fn(&'a str, (u8,))->&'a str) -> usize { g("a",(1,)).len() + f as usize }
unsafe extern "C" fn cb(_:*const u8,_:&mut [i32;4])->i32{1}
fn größe(m:&HashMap<String,Arc<dyn Shape+Send+Sync>>)->usize { m.len() }
fn deep<T>(t:T, n:usize)->T { let c = move || { if n>3 { None::<i32>.expect("boom"); } t }; c() }
fn main(){ let s:Box<dyn Shape>=Box::new(Sq::<3>(2.0)); println!("{} {}",s.area(),s.name());
 let w=Wrap{v:vec![Some("x".to_string()),None]}; println!("{} {:?}",w.each(|x|x.is_some()),w);
 println!("{}",generic::<'\n',true,-5>()); println!("{}", ptr(cb,&|a,_|a)); println!("{}",größe(&HashMap::new()));
 let n: usize = std::env::args().count()+3; println!("{:?}", deep(w, n)); }
