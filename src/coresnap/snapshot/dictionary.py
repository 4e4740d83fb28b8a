"""Dictionary 1: content that small sections are likely to share.

Field names, names of registers and attributes, the start-up frames of libc, the keys
of ``/proc`` files. Frozen: it is part of the format (``docs/formats.md``), and old
snapshots cannot be read with another. ``tests/snapshot/make_dictionary.py`` made it.
"""

from __future__ import annotations

import base64
import functools

from coresnap.snapshot.zstandard import zstd

__all__ = ["SHA256", "dictionary_1"]

SHA256 = "89f18bc1b5b7676c580a7b476f63425894d2ade32614d771fcdec80992b6cb3e"


@functools.cache
def dictionary_1() -> bytes:
    """Return the 14,853 bytes of the dictionary."""
    return zstd.decompress(base64.b85decode("".join(_PACKED.split())))


# zstd, then base 85: data in a module cannot be forgotten by a package.
_PACKED = r"""
D77#BU<EnVrvRG3EGSY?n%T4g>uZ59RR=?ykX;{r)~nco&MKs1fcTe%4gCICl&Wk2t)YYk8<Tr+_r}kf
wOn!SXn<mp)kt7`9I$c_I&_m`Cnt3P7f-`FOPyws1YrVL0)7Itnz549k}747LA<SWZ{Db_M|MXdXr6Hm
J4F&l&!?3W>M6cFicm4eHZ0<ggxeDlQC0%05z>%if-hn~;>Q-NET~}8!IpGGm6Rc3q;A-VPkIiKL}UOf
q8K^4d8VVR%^01a(17Sy2+_&`TH4yv1GRt*tSAal>2T?^TrCSMm{h+_E|<&2xQs?!Z~WcKl&^lzP9zA?
#0pcqOnNaU9h>Cec(&jaDFOL$0gsOzog5sQ4htu(R?7stogxrCYG98VsN;><3VUc<X?WDoKw2+thDyqR
f)OgaN3EPi`Asy~kZFw$sCYu>3zJmWU^LX&Ov(~vBL)?Tv1tJUmi(*CH?{f~-#m8uNFPL3lR1f2yrex(
48Lj#;k6S)?Qit*i`2VJOmK=|5HWUkLz%rE7ACHuB=`JglTrhro__^X@s@HrUTec)YtmiH<>2I`oNrIk
mNd>Wl2-CU-QsdeIqlj;E0YrSe~F>4P|Mj7M3N8nwebB?nBDW_gg(=-2U2fRzpC-|K_#>GzkatUpB?u3
cgxM|F>P6vOw?8*rQE+~O63g(9o{{dtXa}<x_0MH|IT_TySDY>Xf&(jbe8(#Qxu<h-?w>*p0u+1PhAiS
T?fU)RK$SF(M?t1Y29zlZDlsKZL`A@d4AMxVAZ?Hzi%X<a&Oc7*>X0zOd37)Q1arodbZjGh>_C%vDl4P
q_+OKhrb$QG{WAhr`<88+48(<6!DFxvF+ksjVVo`HBzr`7?Vt=1rP6^%rTq(`(@Yr;;8kcB&g3`=6Pd*
hNsf=Oy5!nUzC7q$Is6WkA5WyAp)@j%Mmd~t4J|UdX`ydhv#Rkp2o#|bM~xr)V1a~IP>OlM=DW?+RLQ|
eh`*N+kbo0kp~CM?=26G4;+>FCoSgeaTee6y|WUc78jPsDe+*pS0zo_9eHTD{-riY?~Gv{A304l=JbN1
n%T^6X%4gB^47`LEN62{_9je`QW;-o+{H*<{cPQL{<Sh|&jz@@5oD2~GEcfGZ&E*gmn18zp4?k<XueA<
P!U-Er8ne<C~}eB#6GJqdDCks$<GHr@yHP&k;qV$Z(FLZ;BsPx#T*^CRqvZ;_3kIL#7#)L=1bq(@7YFc
&8spN@zzcq<Eyj(er=uRQRj<2d-+{sgiaAGLO)KNHCD0cL?kc4A3k|viE{ColXV>N4Woa<ZdQu=tCz)2
*~w|jiAexQrO#|Xa7=y_<-}O!b%p)N!P%)lMEw6>j88aG7NZrM=+a}j9G^`&<HnN~ssFZH%M}>}<SG|P
k%bvhWVvNAYpiYEj_-V#d$?+Ee^+9jKhOt}rYUUd3OXz>71+`(Z|%8?P7hu@#dK=E#nwwgl$EZqoV^;&
9hNLn1obYKIN#>o>l2r>yuE&VCl?(tQutEQ({at2aLrTA5BVNhArOHivBP8U7j>onRsAs@VN;9Y;DuJ5
)V(a`RJx~BI@wED>ti<y{y*Dve&U*wyrA`Kv^KjRnF^3hC5H>Bh7`^hG*UGfhUFw2IXYH5J{IV-`0V<t
%rowjS#~qlLB@j~wpUBX=gkex?h2@){#;{GUkfEf+8=7`w7zH8NHF-+-sw->?u{p`NhB;wM6)ykb?m<2
5es}abv^p1YkEec>|Gk`b0jR6&C&Hd8Gqv;Eci(B$dl8`?4zgWN^MYf>uuUgjO3$V(c9B;c0HX|v(S+z
xk+H35T97=$G<Ezvq4x6(Xt^{7G&i4(3usw@jzBzL#$XW%A~g2dK5A;^lc)Z?~r$y6oPr$W!ngrN3WkD
SoPYEen~BfeE!W|?p2^`h5Rddy_6tXV#HRVc?9|xK`345`+x)1;};9+=y|+v_9pd31gHp$h?RZHJR~H<
N;1Ua;U29tFzCh7(L==2(UU}l8%q4vQvc1r&zmunlUeQ6*WS;Qo}<1O_DQS%&U|O>HCFYWUUOZ)>c#01
f1Ap-cHx;BT4!Jn7wnnIPMa}-f*2+2eG*ztFueAEX-grB$cC${C}0p*RFq3biYS4cMWQy(KGPNc$blFD
DG{=S2<-VXgxB_nxgyuP(E)Npt4-@>hANij5nX!k!ak(G<v#adx0e+bsk|OeDatm?X_E^%{LSi!Nzu*9
Wuu$2fosU*?C{vo7L)swR%8nk#grJA6wb#vWff3`86b)Qg5>C8J|S0-2(G{>3PjNn1(b3*5TuL-ayz=I
+6dhfn;;Z&xuYmgMyNrlPDYCQl8sGHdV8~Dr<s;msk5=rqr>85wqh(lCKalpuBxh{Vq|J`Q&mw{bc`Gr
D0!jA5mGwBOwAlwT@evo`GBziBkJnvD(VI)URc%oP^2-{bv0NQWJRs(jH~v>&!Ehf&Ce?|5rA-Y<%JD!
%uMiw3|2R`!me1+CXbq_Z9PJ%=CDETX)<fsDg#x%JxPPt&S309*ptBsRb2p8S19Ph?8wPXd13<%mJu<y
axywft$9M_>Y|IO(&@m76QXJuI<jQjF*~*XO*po-@t}ctL#Ig@oM|HLtxil4cZSnDm0I9I1EH2~^p!$;
r4K55UwV#EIY_#Ca+h$!N&4EQC^5?vZEMEaWwyqgx-wp%w<AY_I2ejSFL*@?&6#YKI{Uo&jM+Pzphy8A
j1@U#YE<c_xIT)UZpuhH&S9inW2X+PbFt7(wOSwTsmr%Bj^Hqw!k^TSlX~I>D?z|?Sn8;ZE`AS@1_ZN3
Bce+uME9fs*3`rIv2}~*Se8ym)=g0$Iv6{cnq8PHx~UJMyU}s!x~d&hEiF|f;S5++pdp3_W@rG$2UM2_
poHN;mo5kxoK|Z{iI0#XL9d&wMiv{h^;&9J@uJBD1E7j<(PRY;z_?7doVpmPR=yh7Jm2Y+&;Qb!PAnu^
sF=v&0}a4H@#wU8*Be%|*0Skww&}Xcry1_mD8LD^yZ1Ek#ex$jH|m&snu!zm+Pb!Kx?Hqkm+ON)oY)P4
j{N8u6N-!`b)zh?tuj-q_w@H<?A^09BFQ5tHZ+#=i6!#|?<yjE+2UnkdESm?pj{cbT+qM!vM(FY8_yd9
(Q+~HMMjfFkQll2^d=SKykC^|N+SJ);Knn%kdfW9Ax|`4LV9%lzB>eeLq6@kK5vQQ3n<C-A^q~)X3v)B
tJ0gUgaah7B}h6~BKSi<qGzSKCE{VPl{C@@Ij!m`M7~dt5cdq!<4Jvowz#3h&F2~_I_x=`kMu{Z>|bte
dcCjDYPataWdA*UpAtVr%J=gRQh)3C289Z!(<alPMXf_bBQlZ{B#i+>fhaIKrc8#~uG<4sB9oz1l;%*1
L_tRx8L1%!NnH#Fz?tAQfn~*O0w-22zj$>5M1As-{Pe<Ts$~~Tl_Z&~4Y!Gh!flQblteIy|4VnMZ!rSK
)e3iEXmR=i{bZ*o4n@caqjSv9b8~I*n4q}e&s#WP3&Jt(#(7>RL)=93lFAzeKfBAXj1?$<xJ)Jl7nF9D
4k3B~uI;?Tij)Bk;|`r!`-kymd+DPcc^Lqz_i^Au4WGW;YmwHlJBgiYBk!6_Eg{vZO50C2eNgAsI!~?f
Er=}{Ya?Af>x!rYlMKxL?~dK2NtG@`XI;n=Ig+C@Bbs8n*rv6skhg|EP_zLp{Vsd}_|LG!3~oJ7#EWw1
tPTg9v0$d&SKU|(qD2yZ9iDo%<wrGAglw%AV@u6o@7ulH`3xXZUyB4flrob8F|TQF?<aT)Vez2SBEL^_
Po?SSVH9DAV;nBv`Bl+U7;a4{FnBggh^dA8pQtO2d{~Da^;C0O69=ih<fwO5l(vdamW}<&*!z4;N};0!
Xu-ToB^$IH0`;)({z1(5*B7#Ur|kRjnU1K*u_47#V~|{nh^J@JchkHK=3=7Oq5L<hkCE%UM$ltsLNyVi
ejhdll)@ixgO`SmS)Aqq^lv9ImptlY;}v&)UV9%XNN+1$FAv=Kjsp1}6Q&QT#<-gnNSwS-6M!r5po-?=
Xzvk{;r5}Vji7%AJ^JK&yAQM`=DJ^EDgrP8y@vKv27TI2!egdeRB+mdOH0@74O!w`J8Z;SNFjFlbr;tG
Kv4&;KYL)~(Nrow1UUaC_Q3j6lApcGYtG~XKB%1uMqf%F7F4Xps_`B^HnpwR#4Ri7AYMh;0a3*isSpo?
x4p;7%ZG15_moj<V}z0$LnFJUJ3{?*Vm=nN6iA*wJsw1u(a^AW9Fwyo6u%{2;|uXVK+2<U-8CZhk8u3_
BOCn8jU#-A_>F?1a{L*A--+@HS=T^eT~x!DGw`yUoZHAEVo1cs;tTYgG8z|5L~!gofAheURK{6Zbk-Z`
0{UM__e3z_NcO-Ja;ZK&2Sk}TfNengZ;t>Yo74?vyw>CYZZ%YTHMpJ~u#>+15Dw9f;bL0=e&OX4fMs;M
!Q-&r@3!b;ti01`?tGm>ct)H%z%|e7V_JFK@bsrX+SD>qc0;KoPwWM*Id_!d3gn`QN5Ye%j*2w0SUkYR
3X%i;y|pdB^jF3xP2hP(#N8T*R;cCPbQnAgv9c5#m;CFsa#AIRv(#U{vg1Sh%1Idj9%$Jh+`Of-VWB)H
)4P*Ap#p46iCF(b1K;REWPpV3D7blV_5s<W1~KDNPb({xfczJOnO3IA@+MCLq?z-l6nO%VF}-MnaCZ)g
ofJF}vI!~&0kPmz4v3P&K5;^~C=Ze$RK%y602a5igB+O&%1uRSJSbFvZd6K!IML`d8%3R1W%%v`@c_$o
6BD}36CXM|)LJxn5rs_FO=Pl;aDFiqYfkW=-Tql6*?~7>u{y?mTLP+$VPf^%Bl$Liv<8oXP8#OPF|v$;
S5=>+U%Z({lHorMh5R-3hdHkij}-b*!ZvEB^fx2qcs>R*>ekh53fO7gH@BQT7X}09P(e_Akh_!E#?G(z
v~GU6ADE|a@sDhe01CcUBR9&!%TP?6ixR!64>Rq|M^pMTuUtT;;IUOR*4YO|_UQhAFCyxmqf@pn#FR!D
ZNZ7n9j~lplL&Fj)#~BQK}bECx}*c`JyzYnnuD2t<PJE3A-^dA%QgA)vm_!Qm-$jys>aOQqvfu(l!jnd
W9$={Q<esV8MO3|`h5YkjsM)RKdhJ2s%ZD;#4Xm7Rqo0|2r~#yt(W5RigJM`Z{$DMhcHL#XHxEBk4AD>
lVKdPI8{hdR)SNHa7w}mUi0u~`@3rKX1DBGu@^}&c(@^)2P46t+dP0IPw1ci$I5-1tb!-B7cP(m8CLKM
A|cly-Trz)G*exlg(*9R1;|MEPl=Me$=Ho-PKrbw%Rr_$fDn8_VJDy>l3dSR@u}3LfDFK9X;8a6cCx&F
zB1P~w5FPE^;zw@J1;dXb3Ue`ATA7f@i@EurU!hFSut8KKy>ZQZ$cx_PI%m`dfGNpS^)Gg=(dw5L1(P6
b;^|y+g6XSCngL=A3?NJEYbqAT^1Ty(0sssCj;}+UDQgsiyzCd=1%cjG~+y)o!<0JV|l)390T1G@=g5Z
7zvJ&6Vy$p^yb#bz+4~$hUc!(M-Ms68GuGXIyb+H5h6%tVFCnb{3`MSD;F(>!t#<2VU5Ti(^XknL)j40
o{1`3s-q)1ZNmpsy20j`Iaj>CtX8O*WGmI-vLD9Ru~`-4G8Q&xb1X0B=0k&LR5*%~M<@3Dl{qM3Vsz&(
YUmI%Br67<WO>X&(3B@<DY@7MZ7y(&F4g5_dXzcY1b{4NIuC=lK?w_FVR9|bU8Y+LP<j~yR*AR1^)He1
(prP>3dOg@4syX-WSSs;Zpi8a@ry8!i!bnK$Euma#xh!5Jfp%<2217u(jx>@!wi}qm}#C<*aKXbqLAmm
8R<0LKS7mkACge)6RnCKX<`CMv)pIuQ7YR55iQLK5(YOxvh8v_o4u!u6Kn;178~U};;uAvjc~r39$>mT
Wu68EJ|_k_qrSW!irOpZ_~v4ky4(n#mTt`(DANtN4onBnw?eu7^8VAH3k&fkfc<GPqzA}v(^`8Cp&@0}
#49PP2SyF0iifnGL`-0UQX!m8OM|()g?I1-ohh&w`NWYLLef!vrffo#!b@2gv8t9}<8?G7LkdsficnX)
B73D}n9iSCh{*-(a>bUzgq!<MzPRjq(C5PNjuDAi_X0~f*r2_-4u+<rA<v>U+E9hvy$k9gr18lK<kGmg
K-QIH16^ya_Hh_;aPZrKdB!}57pqJF2Ujb+?Hq|7l|bhPiM56p{GTurzZz4h3*D$l&rrS!<OM=CU;t<*
$o<)rq*DB)Iaq`LXcb@faLO=w!^h|=W&Iajm&h7QT7;K(>vjV9x>q)LPmPAFPZZ>wfM&CH7T6U2MW@qJ
0&r!FZCHtrb6IuWdnim|7NF^@?JDNJguqO3FaS4z5Fo_=`gVslmkv#hfHz#JT-bxxGlx6@EC;}J;mYZ7
po-jVOc0q1{Pmj2U%S2Gl`!@-CXMVO3S+S@ZO!&|oqL(cF*ZJ8Y=KNccRW5Wk0m2auwEiGR|A%^t^4aI
7M*UR<A;`tVqwZFp)|>EeKU%k*{0;?38R29-bsadg%3>`6GdX<MQ`wWzuCNrGewD_i3x}6uFGygd?su_
A~jFLG6DS!-K1h1MW<dZ<yzwW5XRaFd@W~iu(rv>YLZRT6D?-^f?sd*2p)Z9wAL{+JqN_dKv|lKVA|;^
QoRS5H5-&9UPx##M5z>=>U0qOAYAvpYisVZLXCF70J;D2-Z}*<u%FQUNdzIt=^s-~n=<I4Tl%jdH6&B^
Q9!(<+a)NjbFs53Mn(-1jIlZ2ggQ^7_thJQjYpPFgfyv~&CDezS~=Sx-IO}k*u_VX{?0Vpn_e>fv<`I`
HMzkI^XwuKCPZzo*lLR-Vd*-Trt(oG?tA4|$kVn`;r88nnd6A&oZ+#A@Q{g*1$P+XBc3{nu*qVdFUcqf
Sncf!
"""
